package host

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// cutTicks is for how many ticks a call may wait for a node that is not the
// primary any more. One that hands over answers within that time; one that is
// gone does not answer at all.
const cutTicks = 5

// forwards are the calls under way to the primaries of other partitions.
type forwards struct {
	mu      sync.Mutex
	calls   []*forward
	budgets map[partition.NodeID]*semaphore.Weighted // Limits.PeerBytes each; grows with the peers
}

// forward is one call.
type forward struct {
	partition partition.ID
	term      partition.Term
	cancel    context.CancelFunc
	stale     int // ticks since the map has another term
	index     int // in calls
}

func (f *forwards) add(c *forward) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.index = len(f.calls)
	f.calls = append(f.calls, c)
}

func (f *forwards) remove(c *forward) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := len(f.calls) - 1
	f.calls[c.index] = f.calls[last]
	f.calls[c.index].index = c.index
	f.calls[last] = nil
	f.calls = f.calls[:last]
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

// cutMoved ends the calls that wait for a node which has not been the primary for
// some time: their operations go on at the new one. It is called once a tick.
func (f *forwards) cutMoved(v *view) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if v.m.Table[c.partition].Term == c.term {
			continue
		}
		if c.stale++; c.stale > cutTicks {
			c.cancel()
		}
	}
}

// call sends body to the partition's primary and returns the reply. Errors:
// ErrNotSent, surely nothing happened; ErrTooLarge; any other, anything may have.
func (h *Host) call(t *trial, v *view, p partition.ID, lane replica.Lane, body []byte) ([]byte, error) {
	row := &v.m.Table[p]
	ctx, cancel := t.attempt()
	defer cancel()
	f := &forward{partition: p, term: row.Term, cancel: cancel}
	h.forwards.add(f)
	reply, err := h.cfg.Net.Call(ctx, row.Primary, lane, body)
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
	if cap(*body) <= retainedBody {
		h.bodies.Put(body)
	}
}
