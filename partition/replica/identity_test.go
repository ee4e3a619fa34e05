package replica

import (
	"errors"
	"testing"

	"pipelinedht/partition"
)

// A name that is taken in is one that the primary's successor, too, can tell from
// one carried out before: its copy came from this one, with as much of the log.
func TestAFirstAttemptIsRefusedWhereItsRepetitionWouldHaveToBe(t *testing.T) {
	had := partition.Position{
		Last: partition.Label{Term: 5, Seq: 400}, LogStart: 151,
		Terms: []partition.TermStart{{Term: 5, First: 1}}, Commit: 400,
	}
	n := New(Normal(1, 1), map[partition.ID]partition.Position{0: had}, start)
	n.SetMap(onePartition(1), start)
	op := &partition.Op{
		ID: partition.OpID{Node: 7, Incarnation: 1, Counter: 1}, Attempt: 1, Floor: 149, Term: 10,
		Kind: partition.OpPut, Key: []byte("k"), Value: []byte("v"),
	}
	accepted, out, err := n.Propose(1, op, Seen{}, start, 1000)
	if accepted || !errors.Is(err, partition.ErrFloor) || out.Commit != 400 {
		t.Errorf("floor 149, the log begins at 151: accepted %v, %v, commit %d; want ErrFloor, 400", accepted, err, out.Commit)
	}
	if jobs := n.Ready().Jobs; len(jobs) > 0 {
		t.Errorf("the log is read for a first attempt, which changes nothing: %v", jobs)
	}
	op.Floor = out.Commit
	if accepted, _, err := n.Propose(2, op, Seen{}, start, 1000); !accepted {
		t.Errorf("with the floor that the refusal brought: %v, want accepted", err)
	}
}

// While a partition is written so fast that its log does not reach back to what a
// writer far away heard last, the writer is refused once, and then taken in.
func TestAWriterFarAwayGetsThroughToAPartitionThatIsWrittenFast(t *testing.T) {
	n, counter, now := served(onePartition(1)), uint64(0), start
	write := func(entries int) {
		t.Helper()
		for range entries {
			counter++
			if accepted, _, err := n.Propose(Ticket(counter), &partition.Op{
				ID: partition.OpID{Node: 1, Incarnation: 1, Counter: counter}, Attempt: 1, Floor: partition.Seq(counter - 1),
				Term: 10, Kind: partition.OpPut, Key: []byte("k"),
			}, Seen{}, now, 1000); !accepted {
				t.Fatal(err)
			}
			b, _ := n.Batch()
			n.Stored(b.Writes, now)
		}
	}
	const heard, meanwhile = 500, 1000
	write(heard + meanwhile)
	op := putOp(1)
	op.Floor = heard
	if _, _, err := n.Propose(1, op, Seen{}, now, 1000); !errors.Is(err, partition.ErrFloor) {
		t.Errorf("the first name: %v, want ErrFloor", err)
	}
	op.ID.Counter, op.Renamed = 2, true
	if accepted, _, err := n.Propose(1, op, Seen{}, now, 1000); !accepted {
		t.Fatalf("the second name: %v, want it taken", err)
	}
	b, _ := n.Batch()
	n.Stored(b.Writes, now)
	counter++
	write(meanwhile)
	op.Attempt = 2
	if accepted, out, err := n.Propose(1, op, Seen{}, now, 1000); accepted || err != nil {
		t.Errorf("repeated: %t, %+v, %v, want the first outcome", accepted, out, err)
	}
	for range 2 {
		now += namesFor
		write(meanwhile)
	}
	op.ID.Counter, op.Attempt = 3, 1
	if _, _, err := n.Propose(1, op, Seen{}, now, 1000); !errors.Is(err, partition.ErrFloor) {
		t.Errorf("a name that is old by now: %v, want ErrFloor", err)
	}
}
