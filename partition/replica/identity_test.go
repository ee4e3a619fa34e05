package replica

import (
	"errors"
	"testing"
	"time"

	"pipelinedht/partition"
)

// afterOthers returns a node that leads its partition after others, with a log from 151
// to 400 of theirs.
func afterOthers() *Node {
	had := partition.Position{
		Last: partition.Label{Term: 5, Seq: 400}, LogStart: 151,
		Terms: []partition.TermStart{{Term: 5, First: 1}}, Commit: 400,
	}
	n := New(Normal(1, 1), map[partition.ID]partition.Position{0: had}, start)
	n.SetMap(onePartition(1), start)
	return n
}

// A name that is taken in is one that the primary's successor, too, can tell from
// one carried out before: its copy came from this one, with as much of the log.
func TestAFirstAttemptIsRefusedWhereItsRepetitionWouldHaveToBe(t *testing.T) {
	n := afterOthers()
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

// filler writes to partition 0 of a node that leads it alone, each entry with a name and
// a floor of its own.
type filler struct {
	*testing.T
	n       *Node
	written uint64
}

// write makes entries, and returns up to where the log was cut meanwhile.
func (f *filler) write(entries int, now time.Duration) (trimmed partition.Seq) {
	f.Helper()
	for range entries {
		f.written++
		op := &partition.Op{
			ID: partition.OpID{Node: 1, Incarnation: 1, Counter: f.written}, Attempt: 1,
			Floor: f.n.Commits().Partitions[0].Seq, Term: 10, Kind: partition.OpPut, Key: []byte("k"),
		}
		if accepted, _, err := f.n.Propose(Ticket(f.written), op, Seen{}, now, 1000); !accepted {
			f.Fatal(err)
		}
		b, _ := f.n.Batch()
		trimmed = max(trimmed, b.Writes[0].Trim)
		f.n.Stored(b.Writes, now)
	}
	return trimmed
}

// While a partition is written so fast that its log does not reach back to what a
// writer far away heard last, the writer is refused once, and then taken in.
func TestAWriterFarAwayGetsThroughToAPartitionThatIsWrittenFast(t *testing.T) {
	n, now := served(onePartition(1)), start
	f := filler{T: t, n: n}
	const heard, meanwhile = 500, 1000
	f.write(heard+meanwhile, now)
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
	f.write(meanwhile, now)
	op.Attempt = 2
	if accepted, out, err := n.Propose(1, op, Seen{}, now, 1000); accepted || err != nil {
		t.Errorf("repeated: %t, %+v, %v, want the first outcome", accepted, out, err)
	}
	for range 2 {
		now += namesFor
		f.write(meanwhile, now)
	}
	op.ID.Counter, op.Attempt = 3, 1
	if _, _, err := n.Propose(1, op, Seen{}, now, 1000); !errors.Is(err, partition.ErrFloor) {
		t.Errorf("a name that is old by now: %v, want ErrFloor", err)
	}
}

// A write that was lost with the primary before is repeated at its successor a moment after
// others have begun to write there. The log of before the term is still there to be read.
func TestARepeatedWriteIsKnownAfterManyOfTheNewTerm(t *testing.T) {
	n, now := afterOthers(), start
	f := filler{T: t, n: n}
	repeated := func(counter uint64) *partition.Op {
		op := putOp(counter)
		op.Attempt, op.Floor = 2, 200
		return op
	}
	if upto := f.write(1000, now); upto != 0 {
		t.Errorf("the log is cut up to %d, want all of it kept", upto)
	}
	if _, _, err := n.Propose(1, repeated(1), Seen{}, now, 1000); !errors.Is(err, partition.ErrUnavailable) {
		t.Fatalf("repeated: %v, want ErrUnavailable until the log is read", err)
	}
	if jobs := n.Ready().Jobs; len(jobs) != 1 || jobs[0].Kind != JobIDs || jobs[0].After.Seq != 0 {
		t.Fatalf("jobs %+v, want the log to be read", jobs)
	}
	var records []partition.LogRecord
	for seq := partition.Seq(151); seq <= 400; seq++ {
		r := partition.LogRecord{Label: partition.Label{Term: 5, Seq: seq}, Kind: partition.EntryPut, Stamp: partition.Stamp(seq)}
		if seq == 300 {
			r.Op = putOp(1).ID
		}
		records = append(records, r)
	}
	n.FoundIDs(0, 10, records, now)
	if upto := f.write(1000, now); upto < 400 {
		t.Errorf("the log is cut up to %d once it is read, want as ever", upto)
	}
	if accepted, out, err := n.Propose(2, repeated(1), Seen{}, now, 1000); accepted || err != nil || out.Stamp != 300 {
		t.Errorf("repeated: %t, %+v, %v, want the first outcome", accepted, out, err)
	}
	if accepted, _, err := n.Propose(3, repeated(2), Seen{}, now, 1000); !accepted {
		t.Errorf("repeated, of one that was lost: %v, want it taken", err)
	}
	for range 2 {
		now += namesFor
		f.write(1000, now)
	}
	if _, _, err := n.Propose(4, repeated(3), Seen{}, now, 1000); !errors.Is(err, partition.ErrFloor) {
		t.Errorf("repeated, much later: %v, want ErrFloor", err)
	}
}

// Where nobody repeats anything the log is cut as ever after a while.
func TestALogIsKeptForTheFirstMomentsOfATermOnly(t *testing.T) {
	f := filler{T: t, n: afterOthers()}
	if upto := f.write(1000, start); upto != 0 {
		t.Errorf("at first: cut up to %d, want all kept", upto)
	}
	if upto := f.write(1, start+namesFor); upto != 1401-256 {
		t.Errorf("then: cut up to %d, want %d", upto, 1401-256)
	}
}

// A transfer's first chunk has the whole log, so there is an end to what is kept of it.
func TestALogIsKeptForTheFirstMomentsOfATermAsFarAsATransferCanCarryIt(t *testing.T) {
	n := afterOthers()
	f := filler{T: t, n: n}
	if upto := f.write(7900, start); upto != 0 {
		t.Errorf("cut up to %d, want all kept so far", upto)
	}
	f.write(2100, start)
	if log := &n.copies[0].log; log.last.Seq-log.start >= 400 {
		t.Errorf("the log reaches from %d to %d, want it as short as ever", log.start, log.last.Seq)
	}
}
