package host

import (
	"bytes"
	"context"
	"slices"

	"pipelinedht/partition"
)

// pageKeys is how many keys of a listing are read, checked and passed on at a
// time: no view of the store is held while the caller is slow.
const pageKeys = 256

// Keys calls f with each key that has a value in a partition that this node is
// primary for, by partition and then ascending, until f returns false. A key that
// is there all the while is listed once; a partition that moves away meanwhile is
// listed as far as it was. The key is valid during the call only; f may block. The
// errors are partition.ErrUnavailable.
func (h *Host) Keys(ctx context.Context, f func(key []byte) bool) error {
	t := h.newTrial(ctx)
	v, err := t.current()
	if err != nil {
		return err
	}
	for p := range v.m.Table {
		l := listing{h: h, ctx: ctx, partition: partition.ID(p)}
		for {
			page, err := l.next()
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, key := range page {
				if !f(key) {
					return nil
				}
			}
		}
	}
	return nil
}

// listing is the keys of one partition, read in pages.
type listing struct {
	h         *Host
	ctx       context.Context
	partition partition.ID
	after     []byte // every key up to here was seen
}

// next returns the next keys; none at the end, or once the partition has moved.
func (l *listing) next() ([][]byte, error) {
	t := l.h.newTrial(l.ctx)
	for {
		v, err := t.current()
		if err != nil {
			return nil, err
		}
		if !l.h.leads(v, l.partition) {
			return nil, nil
		}
		seen, page, err := l.read(v)
		if err == nil {
			page, err = l.check(&t, v, page, seen)
		}
		if err != nil {
			if !t.again(err, v) {
				return nil, t.failure(partition.ErrUnavailable)
			}
			continue
		}
		switch {
		case len(seen) > 0:
			l.after = seen
		case len(page) > 0:
			l.after = page[len(page)-1]
		}
		if len(page) > 0 || len(seen) == 0 {
			return page, nil
		}
	}
}

// read returns the next page's live keys, and the last key that was seen for it.
func (l *listing) read(v *view) (seen []byte, page [][]byte, err error) {
	slot := v.slotOf(l.partition)
	if slot == 0 {
		return nil, nil, nil
	}
	n := 0
	err = l.h.store.Keys(slot, l.after, func(key []byte, r partition.Record) bool {
		seen = append(seen[:0], key...)
		if !r.Tombstone {
			page = append(page, bytes.Clone(key))
		}
		n++
		return n < pageKeys
	})
	l.h.heed(v, l.partition, slot, err)
	return seen, page, err
}

// check returns the keys of a page that have a value, once the writes that are under
// way are committed: they may put keys where none were read, or delete what is still
// there until then. seen is the last key that was read for the page, nil at the end.
func (l *listing) check(t *trial, v *view, page [][]byte, seen []byte) ([][]byte, error) {
	pending, err := l.pending(v, seen)
	if err != nil {
		return nil, err
	}
	for _, key := range pending {
		res, err := l.h.getHere(t, v, l.partition, key)
		if err != nil {
			return nil, err
		}
		at, listed := slices.BinarySearchFunc(page, key, bytes.Compare)
		switch {
		case listed && !res.Found:
			page = slices.Delete(page, at, at+1)
		case !listed && res.Found:
			page = slices.Insert(page, at, key)
		}
		if err := res.Close(); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// pending returns the keys after l.after, and up to seen, of which a write is under
// way; an error where what was read of the others may not be shown. No key is empty,
// so the empty one stands for them.
func (l *listing) pending(v *view, seen []byte) ([][]byte, error) {
	h := l.h
	now := h.cfg.Clock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.ended != nil {
		return nil, h.mu.ended
	}
	if err := h.mu.core.CheckRead(l.partition, v.m.Table[l.partition].Term, nil, now); err != nil {
		return nil, err
	}
	return h.mu.core.Pending(l.partition, l.after, seen), nil
}
