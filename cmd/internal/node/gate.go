package node

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"pipelinedht/partition"
)

// gate stands between requests and the current life. While it is open any number
// of requests are inside at once; while it is shut they wait before it, and
// nothing of them has taken effect.
type gate struct {
	current atomic.Pointer[passage] // nil while shut

	mu     sync.Mutex    // guards the following, and changes of current
	last   *passage      // the present one or the one before; nil: the gate was never open
	reason string        // why it is shut: what a request reads that waited in vain
	refuse bool          // do not let requests wait: the reason will not pass by itself
	moved  chan struct{} // closed, and replaced, whenever something changes
}

// passage is one opening of the gate. Who is inside must leave.
type passage struct {
	life   *life
	inside atomic.Int64 // requests; passageShut is added when the gate shuts
	once   sync.Once
	empty  chan struct{} // closed once the gate is shut and nobody inside any more
}

const passageShut = math.MinInt64

// drainShare of the request time-out is what a change of lives waits for requests
// under way: those that wait at the gate meanwhile must not time out for one that
// is stuck.
const drainShare = 3

// newGate returns a gate that is shut for reason.
func newGate(reason string) *gate {
	return &gate{reason: reason, moved: make(chan struct{})}
}

// enter waits until the gate is open and lets the request in. The error is
// partition.ErrUnavailable, with the gate's reason.
func (g *gate) enter(ctx context.Context) (*passage, error) {
	for {
		if p := g.tryEnter(); p != nil {
			return p, nil
		}
		g.mu.Lock()
		open, moved, reason, refuse := g.current.Load() != nil, g.moved, g.reason, g.refuse
		g.mu.Unlock()
		if open {
			continue
		}
		if refuse {
			return nil, fmt.Errorf("%w: %s", partition.ErrUnavailable, reason)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %s", partition.ErrUnavailable, reason)
		}
	}
}

// tryEnter is enter without waiting; nil if the gate is shut.
func (g *gate) tryEnter() *passage {
	p := g.current.Load()
	if p == nil {
		return nil
	}
	if p.inside.Add(1) > 0 {
		return p
	}
	p.leave() // it was shut in between
	return nil
}

// leave ends what enter began.
func (p *passage) leave() {
	if p.inside.Add(-1) == passageShut {
		p.once.Do(func() { close(p.empty) })
	}
}

// open lets requests in to l.
func (g *gate) open(l *life) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := g.current.Load(); p == nil || p.life != l {
		g.endPassageLocked()
		g.last = &passage{life: l, empty: make(chan struct{})}
		g.current.Store(g.last)
		g.tellLocked("", false)
	}
}

// shut makes new requests wait, and waits until all have left that are inside, or
// until ctx ends.
func (g *gate) shut(ctx context.Context, reason string) {
	if last := g.block(reason, false); last != nil {
		select {
		case <-last.empty:
		case <-ctx.Done():
		}
	}
}

// bar shuts the gate and turns requests away at once.
func (g *gate) bar(reason string) { g.block(reason, true) }

// block shuts the gate and returns the passage that was open last.
func (g *gate) block(reason string, refuse bool) *passage {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.endPassageLocked()
	g.tellLocked(reason, refuse)
	return g.last
}

func (g *gate) endPassageLocked() {
	if p := g.current.Swap(nil); p != nil && p.inside.Add(passageShut) == passageShut {
		p.once.Do(func() { close(p.empty) })
	}
}

func (g *gate) tellLocked(reason string, refuse bool) {
	g.reason, g.refuse = reason, refuse
	close(g.moved)
	g.moved = make(chan struct{})
}

// standing returns why the gate is shut; "" if it is open.
func (g *gate) standing() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reason
}
