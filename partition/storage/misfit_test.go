package storage_test

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// to returns the position that a transfer to that label says it leads to.
func to(term partition.Term, seq partition.Seq) partition.Position {
	return partition.Position{Last: label(term, seq), Terms: []partition.TermStart{{Term: 1, First: 1}}}
}

// misfits are done to a copy of partition 0 whose log goes from 2 to 3/5, with
// term 3 from 4 on, beside an empty copy of partition 1.
var misfits = map[string]struct {
	do   func(b *storage.Batch, slot, empty storage.Slot)
	want error
}{
	"a gap":             {func(b *storage.Batch, slot, empty storage.Slot) { b.Append(slot, put(3, 7, "a", ""), 0) }, storage.ErrMisfit},
	"an entry twice":    {func(b *storage.Batch, slot, empty storage.Slot) { b.Append(slot, put(3, 5, "a", ""), 0) }, storage.ErrMisfit},
	"a term that falls": {func(b *storage.Batch, slot, empty storage.Slot) { b.Append(slot, put(2, 6, "a", ""), 0) }, storage.ErrMisfit},
	"an entry of no kind": {func(b *storage.Batch, slot, empty storage.Slot) {
		b.Append(slot, &partition.Entry{LogRecord: partition.LogRecord{Label: label(3, 6)}}, 0)
	}, storage.ErrMisfit},
	"a trim beyond the end":     {func(b *storage.Batch, slot, empty storage.Slot) { b.Trim(slot, 6) }, storage.ErrMisfit},
	"a slot never made":         {func(b *storage.Batch, slot, empty storage.Slot) { b.Append(99, put(3, 1, "a", ""), 0) }, storage.ErrNoCopy},
	"a drop of another's entry": {func(b *storage.Batch, slot, empty storage.Slot) { b.Drop(1, 0, empty) }, storage.ErrNoCopy},
	"a drop twice":              {func(b *storage.Batch, slot, empty storage.Slot) { b.Drop(1, 1, empty); b.Drop(1, 1, empty) }, storage.ErrNoCopy},
	"an entry for what dropped": {func(b *storage.Batch, slot, empty storage.Slot) {
		b.Drop(1, 0, slot)
		b.Append(slot, put(3, 6, "a", ""), 0)
	}, storage.ErrNoCopy},
	"a cut at another's label": {func(b *storage.Batch, slot, empty storage.Slot) {
		b.Begin(slot, &storage.Head{After: label(3, 3), Position: to(3, 3)})
	}, storage.ErrMisfit},
	"a cut before the log": {func(b *storage.Batch, slot, empty storage.Slot) { b.Begin(slot, &storage.Head{Position: to(0, 0)}) }, storage.ErrMisfit},
	"a cut beyond the log": {func(b *storage.Batch, slot, empty storage.Slot) {
		b.Begin(slot, &storage.Head{After: label(3, 6), Position: to(3, 6)})
	}, storage.ErrMisfit},
	"a head without its records": {func(b *storage.Batch, slot, empty storage.Slot) {
		b.Begin(slot, &storage.Head{After: label(3, 5), Position: to(3, 6)})
	}, storage.ErrMisfit},
	"a snapshot without terms": {func(b *storage.Batch, slot, empty storage.Slot) {
		b.Begin(slot, &storage.Head{Reset: true, After: label(3, 9), Position: to(3, 9)})
	}, storage.ErrMisfit},
}

func TestWhatDoesNotFitIsRefusedWhole(t *testing.T) {
	s := open(t, vfs.NewMem())
	slot := create(t, s, 1, 0)
	empty := create(t, s, 1, 1)
	commit(t, s, func(b *storage.Batch) {
		for seq := range partition.Seq(5) {
			b.Append(slot, put(partition.Term(2+seq/3), seq+1, "a", "old"), 0)
		}
		b.Trim(slot, 1)
	})
	before, where := state(t, s, slot), describe(position(t, s, 1, slot))
	for name, c := range misfits {
		b := s.NewBatch()
		b.Append(slot, put(3, 6, "a", "new"), 0)
		b.Reset() // forgets also where the copy would stand
		b.Put(empty, partition.KeyState{Key: []byte("beside"), Found: true})
		c.do(b, slot, empty)
		if err := b.Commit(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		b.Reset()
		if err := b.Commit(); err != nil || !b.Empty() {
			t.Errorf("%s: an empty batch afterwards: %v", name, err)
		}
	}
	if after := state(t, s, slot); after != before {
		t.Errorf("copy holds\n%safter refusals, before\n%s", after, before)
	}
	if after := describe(position(t, s, 1, slot)); after != where {
		t.Errorf("copy stands at %s after refusals, before %s", after, where)
	}
	if after := state(t, s, empty); after != "" {
		t.Errorf("a refused batch left\n%s", after)
	}
}
