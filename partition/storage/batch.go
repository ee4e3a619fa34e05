package storage

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"pipelinedht/partition"
)

// Batch is a change of the store that happens whole or not at all. Its methods
// only collect; what is wrong with them is Commit's error, and then nothing is
// written. Keys, values and records passed to them are copied.
//
// A Batch is for one goroutine. After Commit it is emptied with Reset and used
// again: that keeps its buffers, up to 16 MiB.
type Batch struct {
	store *Store
	b     *pebble.Batch
	err   error // the first

	staged []stagedCopy
	bySlot map[Slot]int // index in staged
}

// stagedCopy is where a copy will stand once the batch is committed.
type stagedCopy struct {
	slot    Slot
	pos     partition.Position
	dropped bool
	emptied bool // and goes on with other data
}

// batchRetained is the largest buffer, in bytes, that Reset keeps: with large values
// to grow one anew would cost more than to fill it.
const batchRetained = 16 << 20

// NewBatch returns an empty batch.
func (s *Store) NewBatch() *Batch {
	return &Batch{
		store:  s,
		b:      s.engine.newBatch(),
		bySlot: make(map[Slot]int),
	}
}

// Empty reports whether the batch has nothing to commit.
func (b *Batch) Empty() bool { return b.b.Empty() && b.err == nil }

// Size returns how many bytes the batch has collected. Pebble takes batches of
// up to 4 GiB; a caller splits long before.
func (b *Batch) Size() int { return b.b.Len() }

// Reset empties the batch for reuse.
func (b *Batch) Reset() {
	b.store.engine.empty(b.b)
	b.err = nil
	clear(b.staged) // let go of terms and marks
	b.staged = b.staged[:0]
	clear(b.bySlot)
}

// Commit makes the changes, durably if there is a directory. After any error but
// ErrFailed nothing was changed; after ErrFailed that is not known.
func (b *Batch) Commit() error { return b.commit(true) }

func (b *Batch) commit(durable bool) error {
	if b.err != nil {
		return b.err
	}
	if b.b.Empty() {
		return b.store.failure.err()
	}
	changes := b.b.Reader() // of a large batch Pebble takes the content away
	if err := b.store.commit(b.b, durable); err != nil {
		return err
	}
	b.store.tails.set(b.staged)
	if b.store.cache != nil {
		return b.store.cache.heed(b.staged, changes)
	}
	return nil
}

// Append adds the entry after the last one to a copy's data and log. commit is
// what is known to be committed of the partition.
func (b *Batch) Append(s Slot, e *partition.Entry, commit partition.Seq) {
	c := b.copy(s)
	if c == nil {
		return
	}
	if err := extend(&c.pos, &e.LogRecord, commit); err != nil {
		b.refuse(s, err)
		return
	}
	b.putLog(s, &e.LogRecord, commit)
	switch e.Kind {
	case partition.EntryPut:
		b.putData(s, e.Key, e.Stamp, false, e.Value)
	case partition.EntryTombstone:
		b.putData(s, e.Key, e.Stamp, true, nil)
	case partition.EntryDelete:
		b.deleteData(s, e.Key)
	default:
		b.refuse(s, fmt.Errorf("entry %s of kind %d: %w", e.Label, e.Kind, ErrMisfit))
	}
}

// Trim cuts the log records up to and including upto. Cut many at a time: 64 and
// more cost hardly more than one.
func (b *Batch) Trim(s Slot, upto partition.Seq) {
	c := b.copy(s)
	if c == nil || upto < c.pos.LogStart {
		return
	}
	if upto > c.pos.Last.Seq {
		b.refuse(s, fmt.Errorf("trim to %d a log that ends at %s: %w", upto, c.pos.Last, ErrMisfit))
		return
	}
	b.deleteLog(s, c.pos.LogStart, upto)
	trim(&c.pos, upto)
	b.putBase(s, &c.pos)
}

// Drop deletes a copy: data, log, metadata and its entry in the directory. The
// batch must be committed before the partition can be Created anew.
func (b *Batch) Drop(g Generation, p partition.ID, s Slot) {
	c := b.copy(s)
	if c == nil {
		return
	}
	home, found, err := b.store.home(g, p)
	switch {
	case err != nil:
		b.refuse(s, err)
		return
	case !found || home.slot != s:
		b.refuse(s, fmt.Errorf("drop partition %d of generation %d: %w", p, g, ErrNoCopy))
		return
	}
	b.deleteCopy(s)
	b.deleteHome(g, p)
	c.dropped = true
}

// copy returns the staged state of a copy, nil if the batch is refused. It is
// valid until the next call.
func (b *Batch) copy(s Slot) *stagedCopy {
	if b.err != nil {
		return nil
	}
	i, ok := b.bySlot[s]
	if !ok {
		pos, err := b.store.tails.position(s)
		if err != nil {
			b.refuse(s, err)
			return nil
		}
		i = len(b.staged)
		b.bySlot[s] = i
		b.staged = append(b.staged, stagedCopy{slot: s, pos: pos})
	}
	c := &b.staged[i]
	if c.dropped {
		b.refuse(s, ErrNoCopy)
		return nil
	}
	return c
}

// refuse makes the batch one that cannot be committed.
func (b *Batch) refuse(s Slot, err error) {
	if b.err == nil {
		b.err = fmt.Errorf("slot %d: %w", s, err)
	}
}
