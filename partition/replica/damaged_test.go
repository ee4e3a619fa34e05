package replica

import (
	"testing"
	"time"

	"pipelinedht/partition"
)

// inSync is onePartition with all of the target in sync.
func inSync(target ...partition.NodeID) *partition.Map {
	m := onePartition(target...)
	m.Table[0].InSync = m.Table[0].Target
	return m
}

// served returns node 1 as primary of its only partition, serving under the
// leases of the others.
func served(m *partition.Map) *Node {
	n := New(Normal(1, 1), nil, start)
	n.SetMap(m, start)
	for _, id := range m.Table[0].InSync[1:] {
		n.Receive(id, 1, &Position{Term: 10}, start)
		n.Receive(id, 1, &Grant{Version: 10, Sent: start, Taken: 9}, start)
	}
	return n
}

func TestADamagedPrimaryGivesItsTermUpToAnotherCopy(t *testing.T) {
	n := served(inSync(1, 2))
	if err := n.CheckRead(0, 10, []byte("k"), start); err != nil {
		t.Fatal(err)
	}
	n.Ready()
	if !n.Damaged(0) || n.Damaged(0) {
		t.Error("Damaged reports no news the first time, or news twice")
	}
	if err := n.CheckRead(0, 10, []byte("k"), start); err == nil {
		t.Error("a read may be answered by the damaged copy")
	}
	released := false
	for _, out := range n.Ready().Control {
		_, ok := out.Message.(*Release)
		released = released || ok && out.To == 2
	}
	if !released {
		t.Error("the other copy was not told to take over")
	}
	b, _ := n.Batch()
	if len(b.Writes) != 1 || !b.Writes[0].SetMark || b.Writes[0].Mark == nil || !b.Writes[0].Mark.Fresh {
		t.Errorf("writes: %+v, want a mark, for the next start", b.Writes)
	}
	for now := start; now < start+time.Minute; now += 50 * time.Millisecond {
		n.Tick(now)
	}
	if r := n.Ready(); len(r.Changes) > 0 {
		t.Errorf("proposed %+v, want that it waits for the other copy", r.Changes)
	}
}

func TestADamagedLastCopyServesWhatCanBeRead(t *testing.T) {
	n := served(onePartition(1))
	n.Damaged(0)
	n.Tick(start + time.Second)
	if err := n.CheckRead(0, 10, []byte("k"), start+time.Second); err != nil {
		t.Errorf("a read of what is whole: %v", err)
	}
	if b, _ := n.Batch(); len(b.Writes) > 0 {
		t.Errorf("writes: %+v, want no mark", b.Writes)
	}
}

// The set may shrink to the damaged copy by a proposal that was on its way when
// the damage was found.
func TestADamagedCopyThatBecomesTheLastServesAgain(t *testing.T) {
	m := inSync(1, 2)
	n := served(m)
	n.Damaged(0)
	b, _ := n.Batch()
	n.Stored(b.Writes, start)
	alone := *m
	alone.Version, alone.Table = 11, []partition.Row{m.Table[0]}
	alone.Table[0].InSync, alone.Table[0].Epoch = m.Table[0].Target[:1], 11
	n.SetMap(&alone, start)
	n.Tick(start + 50*time.Millisecond)
	if c := n.Ready().Changes; len(c) != 1 || !c[0].NewTerm {
		t.Fatalf("proposed %+v, want a new term", c)
	}
	again := alone
	again.Version, again.Table = 12, []partition.Row{alone.Table[0]}
	again.Table[0].Epoch, again.Table[0].Term = 12, 12
	n.SetMap(&again, start)
	n.Resolved(start)
	n.Tick(start + 100*time.Millisecond)
	b, _ = n.Batch()
	if len(b.Writes) != 1 || !b.Writes[0].SetMark || b.Writes[0].Mark != nil {
		t.Errorf("writes: %+v, want that the mark goes", b.Writes)
	}
	n.Stored(b.Writes, start+100*time.Millisecond)
	if err := n.CheckRead(0, 12, []byte("k"), start+100*time.Millisecond); err != nil {
		t.Errorf("a read in the new term: %v", err)
	}
}

func TestADamagedFollowerIsDroppedAndGivenTheWholeCopy(t *testing.T) {
	n := served(inSync(1, 2))
	n.Receive(2, 1, &Position{Term: 10, Position: partition.Position{LogStart: 1, Mark: &partition.Mark{Fresh: true}}}, start)
	r := n.Ready()
	if len(r.Changes) != 1 || len(r.Changes[0].InSync) != 1 || r.Changes[0].Primary != 1 {
		t.Fatalf("proposed %+v, want the set without node 2", r.Changes)
	}
	m := onePartition(1, 2)
	m.Version, m.Table[0].Epoch = 11, 11
	n.SetMap(m, start)
	n.Resolved(start)
	n.Tick(start + time.Second)
	for _, job := range n.Ready().Jobs {
		if job.Kind == JobTransfer && job.To == 2 && job.Reset {
			return
		}
	}
	t.Error("no transfer of the whole copy was begun")
}

func TestADamagedCopyIsReplacedSlotAndAll(t *testing.T) {
	terms := []partition.TermStart{{Term: 5, First: 1}}
	had := partition.Position{Last: partition.Label{Term: 5, Seq: 50}, LogStart: 1, Terms: terms}
	n := New(Normal(2, 1), map[partition.ID]partition.Position{0: had}, start)
	n.SetMap(onePartition(1, 2), start)
	n.Damaged(0)
	n.Batch()
	whole := &ChunkHead{Reset: true, Position: partition.Position{LogStart: 1}}
	n.Receive(1, 1, &Chunk{Term: 10, Transfer: 1, Last: true, Head: whole}, start)
	b, _ := n.Batch()
	if len(b.Writes) != 2 || !b.Writes[0].Drop || b.Writes[1].Chunk == nil {
		t.Fatalf("writes: %+v, want the old copy dropped, then the chunk", b.Writes)
	}
	n.Stored(b.Writes, start)
	if n.DamagedCopies() != 0 {
		t.Error("the new copy counts as damaged")
	}
	b, _ = n.Batch()
	for _, out := range b.Messages {
		if _, ok := out.Message.(*ChunkAck); ok {
			return
		}
	}
	t.Errorf("messages: %+v, want the chunk acknowledged", b.Messages)
}
