package replica

import "pipelinedht/partition"

// identities remembers which operations a partition has carried out, as far back
// as its log goes, so that a repeated one gets the first outcome.
//
// At the start of a term it knows none but those of the term itself. That is
// enough for the first attempt of an operation: an attempt that was carried out
// before it bears the same or a later term than the first one, and no other term
// than the present is served. For a repeated one the log is read first.
type identities struct {
	names // of all entries after from
	// cut is the newest sequence that the log does not reach any more.
	// Invariant: cut <= from, but for a moment after load.
	cut     partition.Seq
	loading bool
	loaded  bool
	// settled are the repeated attempts that were answered with no change: an
	// earlier attempt that still comes, a straggler, must not be carried out.
	settled map[partition.OpID]settlement
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
func (d *identities) begin(log *position) {
	*d = identities{names: names{from: log.last.Seq}, cut: log.start - 1}
}

// load puts the records of a log that end before the first one added.
func (d *identities) load(records []partition.LogRecord) {
	d.loading, d.loaded = false, true
	n := 0
	for n < len(records) && records[n].Label.Seq <= d.from {
		n++
	}
	d.prepend(records[:n])
}

// evict forgets the records up to and including upto: the log was cut there.
func (d *identities) evict(upto partition.Seq) {
	d.drop(upto)
	d.cut = upto
	for id, s := range d.settled {
		if s.at < d.cut { // from now on the floor tells
			delete(d.settled, id)
		}
	}
}

// knows reports whether an operation that is not remembered was surely not
// carried out. Attempt and floor are the operation's. A first attempt needs no
// floor for that, unless the term's own entries were cut. It is held to one all
// the same: refused, it gets another name and a floor that will do, while its
// repetition at a new primary, with as short a log, could only be given up.
func (d *identities) knows(attempt int, floor partition.Seq) bool {
	return floor >= d.cut && (attempt <= 1 || floor >= d.from)
}
