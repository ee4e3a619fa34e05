package replica

import (
	"testing"

	"pipelinedht/partition"
)

// givenUp is m after the data of its partition were given up at version v, with an
// empty copy on node at.
func givenUp(m *partition.Map, v partition.Version, at partition.NodeID) *partition.Map {
	next := *m
	next.Version = v
	row := m.Table[0]
	row.Epoch, row.Term, row.Born = partition.Epoch(v), partition.Term(v), v
	row.Primary, row.InSync, row.Target = at, []partition.NodeID{at}, []partition.NodeID{at}
	next.Table = []partition.Row{row}
	return &next
}

// before is where a copy stands that has been written to in term 5.
func before() partition.Position {
	return partition.Position{
		Last: partition.Label{Term: 5, Seq: 50}, LogStart: 1, Commit: 50,
		Terms: []partition.TermStart{{Term: 5, First: 1}},
	}
}

// expectVoid checks that the node deletes its copy before it serves, and serves an
// empty one then.
func expectVoid(t *testing.T, n *Node, v partition.Term) {
	t.Helper()
	b, _ := n.Batch()
	if len(b.Writes) != 1 || !b.Writes[0].Drop {
		t.Fatalf("writes: %+v, want a Drop", b.Writes)
	}
	n.Tick(start)
	if err := n.CheckRead(0, v, []byte("k"), start); err == nil {
		t.Fatal("a read may be answered before the deletion is stored")
	}
	n.Stored(b.Writes, start)
	if err := n.CheckRead(0, v, []byte("k"), start); err != nil {
		t.Fatalf("after it: %v", err)
	}
	if c := n.copies[0]; c.log.last != (partition.Label{}) || c.mark != nil {
		t.Fatalf("served from %+v, marked %+v, want an empty copy", c.log.last, c.mark)
	}
}

func TestAStaleCopyIsVoidWhereItsPartitionBeginsAnew(t *testing.T) {
	marked := before()
	marked.Mark = &partition.Mark{Fresh: true}
	for name, had := range map[string]partition.Position{"a whole one": before(), "one that is half filled": marked} {
		t.Run(name, func(t *testing.T) {
			n := New(Normal(2, 1), map[partition.ID]partition.Position{0: had}, start)
			m := onePartition(1, 2)
			n.SetMap(m, start)
			if b, _ := n.Batch(); len(b.Writes) > 0 {
				t.Fatalf("writes before: %+v", b.Writes)
			}
			n.SetMap(givenUp(m, 20, 2), start)
			expectVoid(t, n, 20)
		})
	}
}

func TestACopyThatMissedItsPartitionsBeginningAnewIsVoid(t *testing.T) {
	n := New(Normal(2, 1), map[partition.ID]partition.Position{0: before()}, start)
	n.SetMap(givenUp(onePartition(1, 2), 20, 2), start)
	expectVoid(t, n, 20)
}

func TestACopyFromAfterItsPartitionBeganAnewIsKept(t *testing.T) {
	since := partition.Position{
		Last: partition.Label{Term: 20, Seq: 3}, LogStart: 1, Terms: []partition.TermStart{{Term: 20, First: 1}},
	}
	n := New(Normal(2, 1), map[partition.ID]partition.Position{0: since}, start)
	n.SetMap(givenUp(onePartition(1, 2), 20, 2), start)
	if b, _ := n.Batch(); len(b.Writes) > 0 {
		t.Fatalf("writes: %+v", b.Writes)
	}
	if err := n.CheckRead(0, 20, []byte("k"), start); err != nil {
		t.Fatal(err)
	}
}

func TestACopyWithoutAPlaceIsDeletedWhenItsPartitionBeginsAnew(t *testing.T) {
	n := New(Normal(3, 1), map[partition.ID]partition.Position{0: before()}, start)
	m := onePartition(1, 2)
	m.Peers = append(m.Peers, partition.Peer{ID: 3, Incarnation: 1, UpAt: 9})
	n.SetMap(m, start)
	n.SetMap(givenUp(m, 20, 2), start)
	if b, _ := n.Batch(); len(b.Writes) != 1 || !b.Writes[0].Drop || n.copies[0] != nil {
		t.Fatalf("writes: %+v, want a Drop", b.Writes)
	}
}
