package replica

import (
	"slices"

	"pipelinedht/partition"
)

// names are the operations that made a row of consecutive entries. A primary keeps
// some hundred for each partition, so an operation takes 24 bytes and no place in a
// hash table: that one is new shows, as a rule, in its number being above all that
// its writer had before.
type names struct {
	from    partition.Seq // the row begins behind it
	row     []name        // by sequence
	writers []writer
}

// name is what is kept of one entry.
type name struct {
	counter uint64
	stamp   partition.Stamp
	writer  uint32 // index in writers; noWriter: the entry has no operation
	kind    partition.EntryKind
	existed bool
}

const noWriter = ^uint32(0)

// namesKept is the room, in entries, that a row keeps however few it has.
const namesKept = 1024

// writer is a node, in one incarnation, that named operations of the row.
type writer struct {
	node        partition.NodeID
	incarnation partition.Incarnation
	highest     uint64 // counter that it had in the row
	names       int    // of it in the row; 0: the place is free
}

// find returns what an operation did, if it made an entry of the row: one after its
// floor, if any.
func (n *names) find(id partition.OpID, floor partition.Seq) (executed, bool) {
	w := n.writer(id)
	if w == noWriter || id.Counter > n.writers[w].highest {
		return executed{}, false
	}
	for i := len(n.row) - 1; i >= 0; i-- {
		seq := n.from + partition.Seq(i) + 1
		if seq <= floor {
			break
		}
		if e := &n.row[i]; e.counter == id.Counter && e.writer == w {
			return executed{seq: seq, stamp: e.stamp, kind: e.kind, existed: e.existed}, true
		}
	}
	return executed{}, false
}

// writer returns the index of the one who named an operation, noWriter if it has no
// name in the row.
func (n *names) writer(id partition.OpID) uint32 {
	for i := range n.writers {
		w := &n.writers[i]
		if w.names > 0 && w.node == id.Node && w.incarnation == id.Incarnation {
			return uint32(i)
		}
	}
	return noWriter
}

// name returns what is kept of an entry, and counts it for its writer.
func (n *names) name(r *partition.LogRecord) name {
	e := name{counter: r.Op.Counter, stamp: r.Stamp, writer: noWriter, kind: r.Kind, existed: r.Existed}
	if r.Op == (partition.OpID{}) {
		return e
	}
	if e.writer = n.writer(r.Op); e.writer == noWriter {
		e.writer = n.newWriter(r.Op)
	}
	w := &n.writers[e.writer]
	w.highest = max(w.highest, r.Op.Counter)
	w.names++
	return e
}

// newWriter returns the index of a place for the one who named an operation.
func (n *names) newWriter(id partition.OpID) uint32 {
	w := writer{node: id.Node, incarnation: id.Incarnation}
	for i := range n.writers {
		if n.writers[i].names == 0 {
			n.writers[i] = w
			return uint32(i)
		}
	}
	n.writers = append(n.writers, w)
	return uint32(len(n.writers) - 1)
}

// add puts the entry behind the last one.
func (n *names) add(r *partition.LogRecord) { n.row = append(n.row, n.name(r)) }

// prepend puts entries, the last of which is that of from, before the first one.
func (n *names) prepend(records []partition.LogRecord) {
	row := make([]name, 0, len(records)+len(n.row))
	for i := range records {
		row = append(row, n.name(&records[i]))
	}
	n.row = append(row, n.row...)
	n.from -= partition.Seq(len(records))
}

// drop lets go of the entries up to and including upto.
func (n *names) drop(upto partition.Seq) {
	if upto <= n.from {
		return
	}
	gone := min(int(upto-n.from), len(n.row))
	for _, e := range n.row[:gone] {
		if e.writer != noWriter {
			n.writers[e.writer].names--
		}
	}
	if left := n.row[gone:]; cap(n.row) > namesKept && cap(n.row) > 4*len(left) {
		n.row = slices.Clone(left)
	} else {
		n.row = append(n.row[:0], left...)
	}
	n.from += partition.Seq(gone)
}
