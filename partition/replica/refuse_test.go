package replica

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pipelinedht/partition"
)

// onePartition is a map of one partition in term 10, at ring version 10.
func onePartition(target ...partition.NodeID) *partition.Map {
	m := &partition.Map{Version: 10, Settings: partition.Settings{Partitions: 1, Replicas: 3}}
	for _, id := range target {
		m.Peers = append(m.Peers, partition.Peer{ID: id, Incarnation: 1, UpAt: 9})
	}
	m.Table = []partition.Row{{
		Epoch: 10, Term: 10, Primary: target[0], InSync: target[:1], Target: target, MinInSync: 1,
	}}
	return m
}

const start = 100 * time.Second

func TestAnImportIsRefusedByAPrimaryThatDoesNotKnowTheJoiner(t *testing.T) {
	n := New(Normal(1, 1), nil, start)
	m := onePartition(1)
	m.Peers = append(m.Peers, partition.Peer{ID: 7, Incarnation: 1, UpAt: 10, Importing: true})
	n.SetMap(m, start)
	op := &partition.Op{
		ID: partition.OpID{Node: 7, Incarnation: 1, Counter: 1}, Attempt: 1, Term: 10, Since: 11,
		Kind: partition.OpImport, Stamp: 500, Key: []byte("k"), Value: []byte("old"),
	}
	accepted, _, err := n.Propose(1, op, Seen{Looked: true}, start, 1000)
	if accepted || !errors.Is(err, partition.ErrUnavailable) {
		t.Errorf("at version 10, Since 11: accepted %v, %v, want ErrUnavailable", accepted, err)
	}
	op.Since = 10
	if accepted, _, err := n.Propose(2, op, Seen{Looked: true}, start, 1000); !accepted {
		t.Errorf("at version 10, Since 10: %v, want accepted", err)
	}
}

// A node that was removed in the middle of its import may go on with it until it
// hears of that.
func TestAnImportOfANodeThatWasRemovedIsRefused(t *testing.T) {
	n := New(Normal(1, 1), nil, start)
	n.SetMap(onePartition(1), start) // in which nobody is importing: deletes leave no tombstones
	for _, kind := range []partition.OpKind{partition.OpImport, partition.OpImportDelete} {
		op := &partition.Op{
			ID: partition.OpID{Node: 7, Incarnation: 1, Counter: uint64(kind)}, Attempt: 1, Term: 10, Since: 9,
			Kind: kind, Stamp: 500, Key: []byte("deleted"),
		}
		if accepted, _, err := n.Propose(1, op, Seen{Looked: true}, start, 1000); accepted || !errors.Is(err, partition.ErrUnavailable) {
			t.Errorf("kind %d: accepted %v, %v, want ErrUnavailable", kind, accepted, err)
		}
	}
}

func TestADeltaDoesNotMakeAHalfFilledCopyWhole(t *testing.T) {
	terms := []partition.TermStart{{Term: 5, First: 1}}
	had := partition.Position{Last: partition.Label{Term: 5, Seq: 50}, LogStart: 1, Terms: terms}
	n := New(Normal(2, 1), map[partition.ID]partition.Position{0: had}, start)
	n.SetMap(onePartition(1, 2), start)
	head := func(reset bool, after partition.Seq) *ChunkHead {
		h := &ChunkHead{Reset: reset, After: partition.Label{Term: 5, Seq: after}, Position: partition.Position{
			Last: partition.Label{Term: 5, Seq: 40}, LogStart: 31, Terms: terms,
		}}
		for seq := after + 1; seq <= 40; seq++ {
			h.Records = append(h.Records, partition.LogRecord{
				Label: partition.Label{Term: 5, Seq: seq}, Kind: partition.EntryPut, Key: []byte("x"),
			})
		}
		return h
	}
	n.Receive(1, 1, &Chunk{Term: 10, Transfer: 1, Head: head(true, 30)}, start)
	n.FoundExtra(0, 10, 35, nil, start)
	n.Receive(1, 1, &Chunk{Term: 10, Transfer: 2, Last: true, Head: head(false, 35)}, start)
	if c := n.copies[0]; c.mark == nil || !c.mark.Fresh {
		t.Errorf("mark after the delta: %+v, want that of the snapshot", c.mark)
	}
}

func TestADamagedLastCopyIsNotServedAsAnEmptyOne(t *testing.T) {
	damaged := partition.Position{LogStart: 1, Mark: &partition.Mark{Fresh: true}}
	n := New(Normal(1, 1), map[partition.ID]partition.Position{0: damaged}, start)
	n.SetMap(onePartition(1), start)
	for now := start; now < start+time.Minute; now += 50 * time.Millisecond {
		n.Tick(now)
		if err := n.CheckRead(0, 10, []byte("k"), now); err == nil {
			t.Fatalf("after %v a read may be answered", now-start)
		}
	}
	if r := n.Ready(); len(r.Changes) > 0 {
		t.Errorf("proposed: %+v", r.Changes)
	}
}

func TestACopyBegunAnewSaysNothingBeforeTheOldOneIsDeleted(t *testing.T) {
	had := partition.Position{Last: partition.Label{Term: 5, Seq: 50}, LogStart: 1, Terms: []partition.TermStart{{Term: 5, First: 1}}}
	n := New(Normal(2, 1), map[partition.ID]partition.Position{0: had}, start)
	without := onePartition(1, 2)
	without.Table[0].Target = without.Table[0].Target[:1]
	n.SetMap(without, start)
	n.Receive(1, 1, &Drop{Term: 10, Since: 10}, start)
	deletion, _ := n.Batch()
	if len(deletion.Writes) != 1 || !deletion.Writes[0].Drop {
		t.Fatalf("writes: %+v, want a Drop", deletion.Writes)
	}
	again := onePartition(1, 2)
	again.Version = 11
	n.SetMap(again, start)
	if b, _ := n.Batch(); len(b.Messages) > 0 {
		t.Errorf("before the deletion is stored: %+v", b.Messages)
	}
	n.Stored(deletion.Writes, start)
	b, _ := n.Batch()
	if len(b.Messages) != 1 {
		t.Fatalf("after it: %d messages, want the position", len(b.Messages))
	}
	if p, ok := b.Messages[0].Message.(*Position); !ok || p.Position.Last != (partition.Label{}) {
		t.Errorf("after it: %+v, want the position of an empty copy", b.Messages[0].Message)
	}
}

func TestAStragglingAttemptIsNotCarriedOutAfterALaterOneWasAnswered(t *testing.T) {
	n := New(Normal(1, 1), nil, start)
	n.SetMap(onePartition(1), start)
	op := partition.Op{
		ID: partition.OpID{Node: 7, Incarnation: 1, Counter: 1}, Attempt: 2, Term: 10,
		Kind: partition.OpDelete, Key: []byte("k"),
	}
	if accepted, out, err := n.Propose(1, &op, Seen{Looked: true}, start, 1000); accepted || err != nil || out.Existed {
		t.Fatalf("second attempt to delete a missing key: %v, %+v, %v, want that nothing was there", accepted, out, err)
	}
	put := partition.Op{ID: partition.OpID{Node: 7, Incarnation: 1, Counter: 2}, Attempt: 1, Term: 10, Kind: partition.OpPut, Key: []byte("k")}
	if accepted, _, err := n.Propose(2, &put, Seen{}, start, 1000); !accepted {
		t.Fatal(err)
	}
	op.Attempt = 1
	if accepted, out, err := n.Propose(3, &op, Seen{}, start, 1000); accepted || err == nil {
		t.Errorf("its first attempt, come late: %v, %+v, %v, want a refusal", accepted, out, err)
	}
}

// staleAck plays a short history by hand: a primary gets an acknowledgement that
// its backup sent in an earlier term, of an entry with the same sequence.
func staleAck() error {
	m := onePartition(1, 2)
	m.Table[0].InSync = m.Table[0].Target
	n := New(Normal(1, 1), nil, start)
	n.SetMap(m, start)
	n.Receive(2, 1, &Position{Term: 10}, start)
	n.Receive(2, 1, &Grant{Version: 10, Sent: start, Taken: 9}, start)
	put := &partition.Op{ID: partition.OpID{Node: 7, Incarnation: 1, Counter: 1}, Attempt: 1, Term: 10, Kind: partition.OpPut, Key: []byte("k")}
	if accepted, _, err := n.Propose(1, put, Seen{}, start, 1000); !accepted {
		return fmt.Errorf("the write was not taken: %w", err)
	}
	b, _ := n.Batch()
	n.Stored(b.Writes, start)
	n.Receive(2, 1, &Ack{Copies: []Durable{{Term: 9, Seq: 1}}}, start)
	if r := n.Ready(); len(r.Answers) > 0 {
		return fmt.Errorf("invariant 3: answered %+v with an acknowledgement of term 9", r.Answers)
	}
	n.Receive(2, 1, &Ack{Copies: []Durable{{Term: 10, Seq: 1}}}, start)
	if r := n.Ready(); len(r.Answers) != 1 || r.Answers[0].Err != nil {
		return fmt.Errorf("acknowledged in its own term: answers %+v, want one", r.Answers)
	}
	return nil
}

func TestAnAcknowledgementOfAnotherTermCountsForNothing(t *testing.T) {
	if err := staleAck(); err != nil {
		t.Error(err)
	}
}
