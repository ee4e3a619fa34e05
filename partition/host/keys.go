package host

import (
	"bytes"
	"context"
	"errors"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
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
			page, err = l.check(&t, v, page)
		}
		if err != nil {
			if !t.again(err, v) {
				return nil, t.failure(partition.ErrUnavailable)
			}
			continue
		}
		if len(seen) > 0 {
			l.after = seen
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

// check returns the keys of a page whose values may be shown: those that have one
// once the write that is under way, if any, is committed. No key is empty, so the
// empty one stands for the partition.
func (l *listing) check(t *trial, v *view, page [][]byte) ([][]byte, error) {
	h, term := l.h, v.m.Table[l.partition].Term
	var pending []int
	h.mu.Lock()
	err := h.mu.ended
	if err == nil {
		err = h.mu.core.CheckRead(l.partition, term, nil, h.cfg.Clock())
	}
	for i := 0; i < len(page) && err == nil; i++ {
		err = h.mu.core.CheckRead(l.partition, term, page[i], h.cfg.Clock())
		if errors.Is(err, replica.ErrPending) {
			pending, err = append(pending, i), nil
		}
	}
	h.mu.Unlock()
	if err != nil {
		return nil, err
	}
	shown := page
	for n := len(pending) - 1; n >= 0; n-- {
		i := pending[n]
		res, err := h.getHere(t, v, l.partition, page[i])
		if err != nil {
			return nil, err
		}
		if res.Close(); !res.Found {
			shown = append(shown[:i], shown[i+1:]...)
		}
	}
	return shown, nil
}
