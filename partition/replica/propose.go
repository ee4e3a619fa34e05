package replica

import (
	"fmt"
	"time"

	"pipelinedht/partition"
)

// Seen is what the caller read from the store of an operation's key, after it
// took At from Applied.
type Seen struct {
	Looked bool
	At     partition.Seq
	Found  bool             // a record is there, be it a tombstone
	Record partition.Record // without its value
}

// live reports whether the key has a value.
func (s *Seen) live() bool { return s.Found && !s.Record.Tombstone }

// Applied returns the newest sequence that the store surely has of a partition,
// for Seen.At.
func (n *Node) Applied(id partition.ID) partition.Seq {
	if c := n.copy(id); c != nil {
		return c.durable
	}
	return 0
}

// Propose has an operation carried out by this node as primary. accepted: an
// Answer for t comes. Otherwise nothing took effect and out or err is the answer:
// ErrLook (look at the store, propose again), partition.ErrNotPrimary,
// ErrUnavailable or ErrFloor (with the commit sequence in out). wall is the time
// in microseconds since 1970. op's slices are kept.
//
// The answer to an operation that looks at no record is never a read, so no lease
// stands behind it, and now may be 0: the time of the last input.
func (n *Node) Propose(t Ticket, op *partition.Op, seen Seen, now time.Duration, wall partition.Stamp) (accepted bool, out partition.Outcome, err error) {
	n.goOn(max(n.now, now))
	if !n.up {
		return false, out, partition.ErrNotPrimary
	}
	c, err := n.serves(partition.Of(op.Key, len(n.copies)), op.Term)
	if err != nil {
		return false, out, err
	}
	l := c.lead
	if err := n.mayBring(op); err != nil {
		return false, out, err
	}
	if done, ok := l.ids.find(op.ID, op.Floor); ok {
		return n.repeat(c, t, done)
	}
	if l.ids.straggles(op) {
		return false, out, partition.ErrNotPrimary
	}
	if !l.ids.knows(op, c.log.start) {
		return false, partition.Outcome{Commit: c.commit}, n.unknownID(c, op.Attempt)
	}
	if len(c.row.InSync) < c.row.MinInSync {
		return false, out, fmt.Errorf("%w: partition %d has %d of %d in-sync copies that a write needs",
			partition.ErrUnavailable, c.id, len(c.row.InSync), c.row.MinInSync)
	}
	if err := n.room(c, op); err != nil {
		return false, out, err
	}
	latest, isPending := l.keys[string(op.Key)]
	switch {
	case isPending:
		s := l.window.at(latest).state()
		seen = Seen{Looked: true, Found: s.Found, Record: s.Record}
	case op.Looks() && (!seen.Looked || l.window.touched(op.Key, seen.At, c.log.last.Seq, l.first)):
		return false, out, ErrLook
	}
	alone, unchanged := n.judge(c, op, &seen, wall)
	if alone != nil {
		n.accept(c, alone, t)
		return true, out, nil
	}
	if isPending {
		l.ids.settle(op, c.log.last.Seq)
		l.window.at(latest).await(waiter{ticket: t, kind: waitUnchanged, outcome: unchanged})
		return true, out, nil
	}
	if !n.leasesRun(l) {
		return false, out, errNoLease
	}
	l.ids.settle(op, c.log.last.Seq)
	unchanged.Commit = c.commit
	return false, unchanged, nil
}

var errNoLease = fmt.Errorf("%w: a copy's lease has run out", partition.ErrUnavailable)

// mayBring returns an error if this node's map is too old for the operation, or too
// new: of a node that is no peer any more nothing is imported, for what was deleted
// since has left no tombstones.
func (n *Node) mayBring(op *partition.Op) error {
	if n.m.Version < op.Since {
		return fmt.Errorf("%w: this node has yet to learn of ring version %d", partition.ErrUnavailable, op.Since)
	}
	if op.Kind == partition.OpImport || op.Kind == partition.OpImportDelete {
		if _, ok := n.m.Peer(op.ID.Node); !ok {
			return fmt.Errorf("%w: node %v is no peer any more", partition.ErrUnavailable, op.ID.Node)
		}
	}
	return nil
}

// serves returns the copy of a partition that this node serves as primary; term,
// unless 0, must be the one it serves.
func (n *Node) serves(id partition.ID, term partition.Term) (*replica, error) {
	c := n.copy(id)
	switch {
	case c == nil || c.lead == nil || term != 0 && term != c.lead.term:
		return nil, partition.ErrNotPrimary
	case c.lead.phase != serving:
		return nil, fmt.Errorf("%w: partition %d changes its primary", partition.ErrUnavailable, id)
	}
	return c, nil
}

// repeat answers an operation that was carried out before, or has it wait for
// the entry that it made.
func (n *Node) repeat(c *replica, t Ticket, done executed) (bool, partition.Outcome, error) {
	if done.seq <= c.commit {
		return false, done.outcome(c.commit), nil
	}
	c.lead.window.at(done.seq).await(waiter{ticket: t, kind: waitWrite})
	return true, partition.Outcome{}, nil
}

// unknownID says why an operation can not be told from one carried out before,
// and has the log's ids read where that may help.
func (n *Node) unknownID(c *replica, attempt int) error {
	d := &c.lead.ids
	if attempt <= 1 || d.loaded {
		return partition.ErrFloor
	}
	if !d.loading {
		d.loading = true
		n.job(Job{Kind: JobIDs, Partition: c.id, Term: c.lead.term})
	}
	return fmt.Errorf("%w: partition %d reads its log", partition.ErrUnavailable, c.id)
}

// FoundIDs takes in the records that a JobIDs found, oldest first.
func (n *Node) FoundIDs(id partition.ID, term partition.Term, records []partition.LogRecord, now time.Duration) {
	n.goOn(now)
	if c := n.copy(id); c != nil && c.lead != nil && c.lead.term == term && c.lead.ids.loading {
		c.lead.ids.load(records)
	}
}

// judge decides on the latest state of the key what op does: the entry that it
// makes, alone in a slice, or, with nil, the outcome of an operation that changes
// nothing.
func (n *Node) judge(c *replica, op *partition.Op, seen *Seen, wall partition.Stamp) ([]partition.Entry, partition.Outcome) {
	out := partition.Outcome{Existed: seen.live()}
	if out.Existed {
		out.Stamp = seen.Record.Stamp
	}
	alone := []partition.Entry{{LogRecord: partition.LogRecord{
		Op: op.ID, Key: op.Key, Existed: out.Existed,
		Stamp: max(wall, c.log.stamp+1, n.m.Stamp+1),
	}}}
	e := &alone[0]
	switch op.Kind {
	case partition.OpPut:
		if !op.Condition.Holds(seen.live(), seen.Record.Stamp) {
			out.Failed = true
			return nil, out
		}
		e.Kind, e.Value = partition.EntryPut, op.Value
	case partition.OpDelete:
		switch {
		case !op.Condition.Holds(seen.live(), seen.Record.Stamp):
			out.Failed = true
			return nil, out
		case n.tombstones():
			e.Kind = partition.EntryTombstone
		case !seen.Found:
			return nil, out
		default:
			e.Kind = partition.EntryDelete
		}
	case partition.OpImport, partition.OpImportDelete:
		if seen.Found && seen.Record.Stamp >= op.Stamp {
			out.Failed = seen.Record.Stamp > op.Stamp
			return nil, out
		}
		e.Import, e.Stamp = true, op.Stamp
		e.Kind, e.Value = partition.EntryPut, op.Value
		if op.Kind == partition.OpImportDelete {
			e.Kind, e.Value = partition.EntryTombstone, nil
		}
	case partition.OpSweep:
		if !seen.Found || !seen.Record.Tombstone || n.tombstones() {
			return nil, out
		}
		e.Kind = partition.EntryDelete
	}
	return alone, out
}

// accept gives the entry its label, stores it here and sends it to the copies.
func (n *Node) accept(c *replica, alone []partition.Entry, t Ticket) {
	l, e := c.lead, &alone[0]
	e.Label = partition.Label{Term: l.term, Seq: c.log.last.Seq + 1}
	l.window.push(alone).await(waiter{ticket: t, kind: waitWrite})
	l.keys[string(e.Key)] = e.Label.Seq
	l.ids.add(&e.LogRecord)
	n.append(c, alone)
	n.markDirty(c)
}
