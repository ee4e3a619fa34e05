package host

import (
	"context"
	"errors"
	"fmt"
	"io"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// maxRereads bounds how often a read starts over because the write that it met
// was gone when it wanted to wait for it.
const maxRereads = 8

// readHere reads a key as its primary: the store first, then, under the lock, the
// core's word that what was read may be answered. Where a write of the key is
// under way a waiter for its record is returned instead, which replies to another
// node by itself.
func (h *Host) readHere(v *view, p partition.ID, key []byte, to caller) (partition.Result, *waiter, error) {
	for range maxRereads {
		res, unread := h.lookUp(v, p, key)
		w, err := h.vouch(v, p, key, to)
		if err == nil && w == nil && unread == nil {
			return res, nil, nil
		}
		res.Close()
		if errors.Is(err, replica.ErrRetry) {
			continue
		}
		if err == nil && w == nil {
			err = unread
		}
		return partition.Result{}, w, err
	}
	return partition.Result{}, nil, errNoPause
}

var errNoPause = fmt.Errorf("%w: the key is written without pause", partition.ErrUnavailable)

// vouch says whether what was read of a key, after v was taken, may be answered;
// with a waiter, the record that it gets may be, instead.
func (h *Host) vouch(v *view, p partition.ID, key []byte, to caller) (*waiter, error) {
	// The clock is a system call, hence before the lock: a lease that ran after the
	// reading will do.
	now := h.cfg.Clock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.ended != nil {
		return nil, h.mu.ended
	}
	err := h.mu.core.CheckRead(p, v.m.Table[p].Term, key, now)
	if errors.Is(err, replica.ErrPending) {
		return h.awaitReadLocked(v, p, key, to)
	}
	return nil, err
}

// awaitReadLocked has a waiter answered with the record that a pending write makes.
func (h *Host) awaitReadLocked(v *view, p partition.ID, key []byte, to caller) (*waiter, error) {
	size := int64(len(key)) + readSize
	if err := h.admitLocked(&v.parts[p], size); err != nil {
		return nil, err
	}
	h.mu.ticket++
	if err := h.mu.core.AwaitRead(h.mu.ticket, p, v.m.Table[p].Term, key, h.cfg.Clock()); err != nil {
		return nil, err
	}
	w := h.newWaiter(&v.parts[p], size, false, to)
	w.ticket = h.mu.ticket
	h.enrolLocked(w)
	return w, nil
}

// lookUp reads what the store has of a key; tombstones are nothing.
func (h *Host) lookUp(v *view, p partition.ID, key []byte) (res partition.Result, err error) {
	rec, found, closer, err := h.look(v, p, key)
	if err != nil {
		return res, err
	}
	res.Source = closer
	if !found || rec.Tombstone {
		return res, res.Close()
	}
	res.Found, res.Record = true, rec
	return res, nil
}

// look reads the record of a key. The closer is nil if nothing was read.
func (h *Host) look(v *view, p partition.ID, key []byte) (partition.Record, bool, io.Closer, error) {
	slot := v.slotOf(p)
	if slot == 0 {
		return partition.Record{}, false, nil, nil
	}
	rec, found, closer, err := h.store.Get(slot, key)
	if err == nil {
		return rec, found, closer, nil
	}
	h.heed(v, p, slot, err)
	return partition.Record{}, false, nil, fmt.Errorf("%w: %v", partition.ErrUnavailable, err)
}

// getHere is Get where this node is the primary.
func (h *Host) getHere(t *trial, v *view, p partition.ID, key []byte) (partition.Result, error) {
	res, w, err := h.readHere(v, p, key, t.own())
	if w == nil {
		return res, err
	}
	a, ok := h.await(w)
	if !ok {
		return partition.Result{}, fmt.Errorf("%w: a write of the key is under way", partition.ErrUnavailable)
	}
	if a.Err != nil {
		return partition.Result{}, a.Err
	}
	return resultOf(&a.Record), nil
}

// resultOf returns what a read finds where state stands. The value is the core's
// and is not edited.
func resultOf(state *partition.KeyState) (res partition.Result) {
	if state.Found && !state.Tombstone {
		res.Found, res.Record = true, state.Record
	}
	return res
}

// Get reads a key, wherever its primary is, and tries until ctx or Config.Timeout
// ends. The caller closes the Result. Any error (partition.ErrUnavailable) means
// that nothing was read. key is not kept.
func (h *Host) Get(ctx context.Context, key []byte) (partition.Result, error) {
	t := h.newTrial(ctx)
	for {
		v, err := t.current()
		if err != nil {
			return partition.Result{}, err
		}
		p := partition.Of(key, len(v.m.Table))
		row := &v.m.Table[p]
		var res partition.Result
		if row.Primary == h.cfg.Self {
			res, err = h.getHere(&t, v, p, key)
		} else {
			res, err = h.getThere(&t, v, p, key)
		}
		info := partition.Info{Partition: p, Version: v.m.Version}
		if err == nil {
			info.ServedBy = nameOf(v.m, row.Primary)
			res.Info = info
			return res, nil
		}
		if !t.again(err, v) {
			return partition.Result{Info: info}, t.failure(partition.ErrUnavailable)
		}
	}
}

// getThere is Get where another node is the primary.
func (h *Host) getThere(t *trial, v *view, p partition.ID, key []byte) (partition.Result, error) {
	for lane := replica.Small; ; lane = replica.Bulk {
		body := h.body()
		*body = appendGet((*body)[:0], key)
		reply, err := h.call(t, v, p, lane, *body)
		h.giveBack(body)
		if err == nil {
			var res partition.Result
			if res, err = decodeRead(reply); err == nil {
				return res, nil
			}
		}
		if tooLarge := errors.Is(err, errAskBulk) || errors.Is(err, ErrTooLarge); !tooLarge || lane == replica.Bulk {
			return partition.Result{}, err
		}
	}
}

func nameOf(m *partition.Map, id partition.NodeID) string {
	peer, _ := m.Peer(id)
	return peer.Name
}
