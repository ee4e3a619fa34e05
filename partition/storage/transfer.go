package storage

import (
	"fmt"

	"pipelinedht/partition"
)

// Head says how a transfer into a copy begins. It has the fields of the copy
// protocol's chunk head, so that one converts to the other.
type Head struct {
	// Reset: the copy is forgotten whole first.
	Reset bool
	// After is the label after which the copy's log is cut; with Reset, the
	// label of the record before the first.
	After partition.Label
	// Records are those from After (not included) to Position.Last.
	Records []partition.LogRecord
	// Position is where the copy stands once the transfer is complete. Its terms
	// cover After.
	Position partition.Position
}

// Begin takes in the head of a transfer: it cuts the log (with Reset, deletes
// the copy's data, log and mark) and adds the head's records. The values follow
// with Put. What keeps the copy out of use until then is the mark, which the
// caller sets in the same batch; after a Reset there is none.
func (b *Batch) Begin(s Slot, h *Head) {
	c := b.copy(s)
	if c == nil {
		return
	}
	pos := c.pos
	var err error
	if h.Reset {
		b.deleteCopy(s)
		c.emptied = true
		pos, err = startAt(h.After, h.Position.Terms)
	} else {
		if last := pos.Last.Seq; h.After.Seq < last {
			b.deleteLog(s, h.After.Seq+1, last)
		}
		err = cut(&pos, h.After)
	}
	if err != nil {
		b.refuse(s, err)
		return
	}
	pos.Stamp = max(pos.Stamp, h.Position.Stamp)
	pos.Commit = max(pos.Commit, h.Position.Commit)
	b.putBase(s, &pos)
	for i := range h.Records {
		r := &h.Records[i]
		if err := extend(&pos, r, pos.Commit); err != nil {
			b.refuse(s, err)
			return
		}
		b.putLog(s, r, pos.Commit)
	}
	if pos.Last != h.Position.Last {
		b.refuse(s, fmt.Errorf("head of a transfer to %s has records to %s: %w", h.Position.Last, pos.Last, ErrMisfit))
		return
	}
	c.pos = pos
}

// Put takes in a key's transferred state, without a log record. Not Found: the
// key has none, so its record is deleted.
func (b *Batch) Put(s Slot, k partition.KeyState) {
	switch {
	case b.copy(s) == nil:
	case k.Found:
		b.putData(s, k.Key, k.Stamp, k.Tombstone, k.Value)
	default:
		b.deleteData(s, k.Key)
	}
}

// SetMark says what the copy lacks; nil: it is whole. The mark is kept and must
// not be edited any more.
func (b *Batch) SetMark(s Slot, m *partition.Mark) {
	c := b.copy(s)
	switch {
	case c == nil:
	case m != nil:
		b.putMark(s, m)
		c.pos.Mark = m
	case c.pos.Mark != nil:
		b.deleteMark(s)
		c.pos.Mark = nil
	}
}
