package fsm

import (
	"fmt"
	"testing"

	"pipelinedht/partition"
)

// large returns a state of 65,536 partitions on n nodes, three copies each, node
// 1 the primary of all.
func large(t testing.TB, n int) *State {
	l := born(t, MaxPartitions)
	s := l.State
	number := uint64(0)
	apply := func(c command) {
		number++
		next, result, _ := s.apply(header{1, 1, number}, c)
		if result != 0 {
			t.Fatal(result)
		}
		s = next
	}
	for id := partition.NodeID(2); id <= partition.NodeID(n); id++ {
		apply(&addPeer{id: id, joinID: uint64(id), name: id.String(), address: id.String()})
	}
	var changes []partition.Change
	for i, row := range s.Map.Table {
		in := sorted(row.Target)
		if in[0] != 1 {
			in = append(ids{1}, in...)
		}
		changes = append(changes, partition.Change{Partition: partition.ID(i), Epoch: row.Epoch, Primary: 1, InSync: in})
	}
	for len(changes) > 0 {
		k := min(maxChanges, len(changes))
		apply(&changeCopies{changes[:k]})
		changes = changes[k:]
	}
	return s
}

func BenchmarkApply(b *testing.B) {
	s := large(b, 10)
	bench := func(name string, h header, c command) {
		entry := encodeCommand(h, c)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				h, c, err := decodeCommand(entry)
				if err != nil {
					b.Fatal(err)
				}
				if _, result, _ := s.apply(h, c); result != 0 {
					b.Fatal(result)
				}
			}
		})
	}
	for _, n := range []int{1, 1000, maxChanges} {
		c := &changeCopies{}
		for i := range n {
			c.changes = append(c.changes, partition.Change{
				Partition: partition.ID(i), Epoch: s.Map.Table[i].Epoch, Primary: 1, InSync: ids{1},
			})
		}
		bench(fmt.Sprint("ChangeCopies-", n), header{1, 1, 1 << 40}, c)
	}
	bench("AddPeer", header{1, 1, 1 << 40}, &addPeer{id: 99, joinID: 99, name: "new", address: "new"})
	bench("PeerUp", header{1, 2, 1}, &peerUp{"x"})
}

func BenchmarkSnapshot(b *testing.B) {
	s := large(b, 10)
	snapshot := encodeState(s)
	b.Run("encode", func(b *testing.B) {
		b.ReportMetric(float64(len(snapshot)), "bytes")
		for b.Loop() {
			encodeState(s)
		}
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			if _, err := decodeState(snapshot); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestTheSnapshotOfTheLargestMapIsSmall(t *testing.T) {
	if n := len(encodeState(large(t, 5))); n > 32*MaxPartitions {
		t.Fatalf("%d bytes, %d a partition", n, n/MaxPartitions)
	}
}
