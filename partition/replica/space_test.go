package replica

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pipelinedht/partition"
)

func putOp(counter uint64) *partition.Op {
	return &partition.Op{
		ID:   partition.OpID{Node: 7, Incarnation: 1, Counter: counter},
		Term: 10, Attempt: 1, Kind: partition.OpPut, Key: []byte("k"),
	}
}

func TestAFullNodeThatIsAloneTakesDeletesAndNoValues(t *testing.T) {
	n := served(onePartition(1))
	if accepted, _, err := n.Propose(1, putOp(1), Seen{}, start, 1000); !accepted {
		t.Fatal(err)
	}
	n.SetFull(true, start)
	accepted, _, err := n.Propose(2, putOp(2), Seen{}, start, 1000)
	if accepted || !errors.Is(err, partition.ErrNoSpace) || !errors.Is(err, partition.ErrUnavailable) {
		t.Errorf("a put: accepted %t, %v, want ErrNoSpace", accepted, err)
	}
	del := putOp(3)
	del.Kind = partition.OpDelete
	if accepted, _, err := n.Propose(3, del, Seen{}, start, 1000); !accepted {
		t.Errorf("a delete: %v, want it taken", err)
	}
	n.SetFull(false, start)
	if accepted, _, err := n.Propose(4, putOp(4), Seen{}, start, 1000); !accepted {
		t.Errorf("a put with space again: %v", err)
	}
}

func TestAFullPrimaryHandsOver(t *testing.T) {
	n := served(inSync(1, 2))
	n.SetFull(true, start)
	r := n.Ready()
	if len(r.Changes) != 1 || r.Changes[0].Primary != 2 || len(r.Changes[0].InSync) != 2 {
		t.Fatalf("proposed %+v, want node 2 as primary", r.Changes)
	}
	_, _, err := n.Propose(1, putOp(1), Seen{}, start, 1000)
	if !errors.Is(err, partition.ErrUnavailable) || errors.Is(err, partition.ErrNoSpace) {
		t.Errorf("a put meanwhile: %v, want it tried again", err)
	}
}

func TestAFullFollowerIsDroppedAsFarAsTheMinimumAllows(t *testing.T) {
	for minimum, want := range map[int][]partition.NodeID{2: {1, 3}, 3: nil} {
		m := inSync(1, 2, 3)
		m.Table[0].MinInSync = minimum
		n := served(m)
		n.Receive(2, 1, &Grant{Version: 10, Sent: start, Taken: 9, Full: true}, start)
		n.Tick(start + 50*time.Millisecond)
		r := n.Ready()
		accepted, _, err := n.Propose(1, putOp(1), Seen{}, start+50*time.Millisecond, 1000)
		if want == nil {
			if len(r.Changes) > 0 || accepted || !errors.Is(err, partition.ErrNoSpace) {
				t.Errorf("minimum %d: proposed %+v, a put %t, %v; want nothing and ErrNoSpace", minimum, r.Changes, accepted, err)
			}
			continue
		}
		if len(r.Changes) != 1 || !slices.Equal(r.Changes[0].InSync, want) || !accepted {
			t.Errorf("minimum %d: proposed %+v, a put %t, %v; want %v, and it taken", minimum, r.Changes, accepted, err, want)
		}
	}
}

func TestAFullLearnerIsFedNothingUntilItHasSpace(t *testing.T) {
	n := served(onePartition(1, 2))
	n.Receive(2, 1, &Grant{Version: 10, Sent: start, Taken: 9, Full: true}, start)
	n.Receive(2, 1, &Position{Term: 10, Number: 1}, start)
	begun := func(from, to time.Duration) bool {
		for now := from; now < to; now += 50 * time.Millisecond {
			n.Tick(now)
			b, _ := n.Batch()
			if r := n.Ready(); len(r.Changes)+len(r.Jobs)+len(b.Messages) > 0 {
				return true
			}
		}
		return false
	}
	n.Batch()
	n.Ready()
	if begun(start, start+5*time.Second) {
		t.Error("the full learner is fed or grown")
	}
	n.Receive(2, 1, &Grant{Version: 10, Sent: start, Taken: 9}, start+5*time.Second)
	if !begun(start+5*time.Second, start+10*time.Second) {
		t.Error("a learner with space again is left alone")
	}
}
