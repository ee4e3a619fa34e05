package replica

import (
	"time"

	"pipelinedht/partition"
)

// identities remembers which operations a partition has carried out, at least as far
// back as its log goes, so that a repeated one gets the first outcome.
//
// At the start of a term it knows none but those of the term itself. That is
// enough for the first attempt of an operation: an attempt that was carried out
// before it bears the same or a later term than the first one, and no other term
// than the present is served. For a repeated one the log is read first.
type identities struct {
	names // of all entries after from
	// cut is the newest sequence of which neither names nor log tell any more.
	cut          partition.Seq
	older, newer moment // newer is the last one taken note of
	loading      bool
	loaded       bool
	// settled are the repeated attempts that were answered with no change: an
	// earlier attempt that still comes, a straggler, must not be carried out.
	settled map[partition.OpID]settlement
}

// A name is kept for namesFor after the log was cut behind it, unless there are more
// than namesMost: a floor is as old as the way to its node and back, in which a partition
// that is written fast makes more entries than a log keeps.
const (
	namesFor  = 2 * time.Second
	namesMost = 1 << 16
)

// heldMost is how many records a log is let grow to by holds: a transfer's first chunk
// has all of it, and is to fit its lane with keys of 4 KiB, too.
const heldMost = 1 << 13

// moment is where the log ended at some time.
type moment struct {
	at   time.Duration
	last partition.Seq
}

// settlement is an attempt after which no earlier one counts.
type settlement struct {
	attempt int
	at      partition.Seq // the log's end then; no floor of the operation is above it
}

// settle notes that an attempt was answered with no change. A first attempt has
// none before it.
func (d *identities) settle(op *partition.Op, at partition.Seq) {
	if op.Attempt <= 1 {
		return
	}
	if d.settled == nil {
		d.settled = make(map[partition.OpID]settlement)
	}
	d.settled[op.ID] = settlement{op.Attempt, at}
}

// straggles reports whether a later attempt of op has been answered.
func (d *identities) straggles(op *partition.Op) bool {
	s, ok := d.settled[op.ID]
	return ok && op.Attempt < s.attempt
}

// executed is what is kept of an operation's entry.
type executed struct {
	seq     partition.Seq
	stamp   partition.Stamp
	kind    partition.EntryKind
	existed bool
}

func (e executed) outcome(commit partition.Seq) partition.Outcome {
	o := partition.Outcome{Existed: e.existed, Commit: commit}
	if e.kind == partition.EntryPut {
		o.Stamp = e.stamp
	}
	return o
}

// begin forgets everything; the term's first entry comes after the log's last one.
func (d *identities) begin(log *position, now time.Duration) {
	last := log.last.Seq
	*d = identities{
		names: names{from: last}, cut: log.start - 1,
		older: moment{now, log.start - 1}, newer: moment{now, last},
	}
}

// holds reports whether the log is to keep all that it had when the term began: those
// whose operations were lost with the primary before repeat them in the term's first
// moments, beside others' new ones, and it is read for the first of them.
func (d *identities) holds(log *position, now time.Duration) bool {
	return !d.loaded && d.cut < d.from && now-d.older.at < namesFor && log.last.Seq-log.start < heldMost
}

// load puts the records of a log that end before the first one added.
func (d *identities) load(records []partition.LogRecord) {
	d.loading, d.loaded = false, true
	n := 0
	for n < len(records) && records[n].Label.Seq <= d.from {
		n++
	}
	if n > 0 && records[n-1].Label.Seq == d.from { // else some between were cut meanwhile
		d.prepend(records[:n])
	}
}

// evict takes note that a log that ends at last was cut up to and including upto.
func (d *identities) evict(upto, last partition.Seq, now time.Duration) {
	if now-d.newer.at >= namesFor {
		d.older, d.newer = d.newer, moment{now, last}
	}
	gone := d.older.last
	if len(d.row) > namesMost {
		gone = max(gone, last-namesMost/2)
	}
	d.drop(min(gone, upto))
	d.cut = max(d.cut, min(upto, d.from))
	for id, s := range d.settled {
		if s.at < d.cut { // from now on the floor tells
			delete(d.settled, id)
		}
	}
}

// knows reports whether an operation that is not remembered was surely not carried
// out. A first attempt needs nothing for that but that no entry of the term is
// forgotten. It is held to a floor that the log, which starts at start, reaches back
// to, all the same: refused once, it gets another name and a floor that will do, while
// its repetition at a new primary, with as short a log, could only be given up.
func (d *identities) knows(op *partition.Op, start partition.Seq) bool {
	switch {
	case op.Floor < d.cut:
		return false
	case op.Attempt > 1:
		return op.Floor >= d.from
	}
	return op.Renamed || op.Floor+1 >= start
}
