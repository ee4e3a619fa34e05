package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// cutTicks is for how many ticks a call may wait for a node that is not the
// primary any more, but in sync: one that has handed over answers within that
// time. One that was replaced does not answer at all.
const cutTicks = 5

// forwards are the calls under way to the primaries of other partitions.
type forwards struct {
	mu      sync.Mutex
	calls   []*forward
	idle    sync.Pool                                // of *forward
	budgets map[partition.NodeID]*semaphore.Weighted // Limits.PeerBytes each; grows with the peers
}

// forward is one call, and the context that it goes by: the ticks end it, within
// one tick of its client's context, which costs a call neither a timer nor a place
// in that context.
type forward struct {
	client    context.Context
	limit     uint64 // the tick up to which it may take; 0: as long as client
	partition partition.ID
	term      partition.Term
	to        partition.NodeID
	stale     int // ticks since the map has another term
	index     int // in calls

	done chan struct{}
	err  error // set before done is closed
}

// Deadline implements context.Context.
func (c *forward) Deadline() (time.Time, bool) { return c.client.Deadline() }

// Done implements context.Context.
func (c *forward) Done() <-chan struct{} { return c.done }

// Err implements context.Context.
func (c *forward) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Value implements context.Context.
func (*forward) Value(any) any { return nil }

// add begins a call.
func (f *forwards) add(t *trial, p partition.ID, row *partition.Row) *forward {
	c, ok := f.idle.Get().(*forward)
	if !ok {
		c = &forward{done: make(chan struct{})}
	}
	c.client, c.limit, c.partition, c.term, c.to, c.stale = t.ctx, t.limit, p, row.Term, row.Primary, 0
	f.mu.Lock()
	defer f.mu.Unlock()
	c.index = len(f.calls)
	f.calls = append(f.calls, c)
	return c
}

// remove ends a call that has returned.
func (f *forwards) remove(c *forward) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := len(f.calls) - 1
	f.calls[c.index] = f.calls[last]
	f.calls[c.index].index = c.index
	f.calls[last] = nil
	f.calls = f.calls[:last]
	if c.err == nil {
		c.client = nil
		f.idle.Put(c)
	}
}

// len returns how many calls are under way.
func (f *forwards) len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

// budget returns what may be under way to a peer.
func (f *forwards) budget(to partition.NodeID, size int64) *semaphore.Weighted {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.budgets[to]
	if b == nil {
		if f.budgets == nil {
			f.budgets = make(map[partition.NodeID]*semaphore.Weighted)
		}
		b = semaphore.NewWeighted(size)
		f.budgets[to] = b
	}
	return b
}

// cut ends the calls whose client has gone or whose time is up, and those that wait
// for a node which is not the primary any more: their operations go on at the new
// one. It is called once a tick.
func (f *forwards) cut(v *view, tick uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c.err == nil {
			if c.err = c.ending(v, tick); c.err != nil {
				close(c.done)
			}
		}
	}
}

// ending returns why the call is to end now, if it is.
func (c *forward) ending(v *view, tick uint64) error {
	if err := c.client.Err(); err != nil {
		return err
	}
	if c.limit != 0 && tick > c.limit {
		return context.DeadlineExceeded
	}
	row := &v.m.Table[c.partition]
	if row.Term == c.term {
		return nil
	}
	if c.stale++; c.stale > cutTicks || !slices.Contains(row.InSync, c.to) {
		return context.Canceled
	}
	return nil
}

// call sends body to the partition's primary and returns the reply. Errors:
// ErrNotSent, surely nothing happened; ErrTooLarge; any other, anything may have.
func (h *Host) call(t *trial, v *view, p partition.ID, lane replica.Lane, body []byte) ([]byte, error) {
	row := &v.m.Table[p]
	f := h.forwards.add(t, p, row)
	reply, err := h.cfg.Net.Call(f, row.Primary, lane, body)
	h.forwards.remove(f)
	switch {
	case err == nil:
		return reply, nil
	case errors.Is(err, ErrNotSent), errors.Is(err, ErrTooLarge):
		return nil, fmt.Errorf("call %s: %w", nameOf(v.m, row.Primary), err)
	}
	return nil, fmt.Errorf("call %s: %v", nameOf(v.m, row.Primary), err)
}

// body returns a buffer to encode a call or a reply in; giveBack it after.
func (h *Host) body() *[]byte { return h.bodies.Get().(*[]byte) }

func (h *Host) giveBack(body *[]byte) {
	if reusable(*body) {
		h.bodies.Put(body)
	}
}
