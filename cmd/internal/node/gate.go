package node

import (
	"context"
	"fmt"
	"sync"

	"pipelinedht/partition"
)

// gate stands between requests and the current life. While it is open any number
// of requests are inside at once; while it is shut they wait before it, and
// nothing of them has taken effect.
type gate struct {
	mu     sync.Mutex
	life   *life         // what requests go to; nil while shut
	reason string        // why it is shut: what a request reads that waited in vain
	refuse bool          // do not let requests wait: the reason will not pass by itself
	moved  chan struct{} // closed, and replaced, whenever one of the above changes
	inside int           // requests inside
	empty  chan struct{} // closed when inside falls to 0; nil where nobody waits for it
}

// drainShare of the request time-out is what a change of lives waits for requests
// under way: those that wait at the gate meanwhile must not time out for one that
// is stuck.
const drainShare = 3

// newGate returns a gate that is shut for reason.
func newGate(reason string) *gate {
	return &gate{reason: reason, moved: make(chan struct{})}
}

// enter waits until the gate is open and returns the life behind it. The caller
// must leave. The error is partition.ErrUnavailable, with the gate's reason.
func (g *gate) enter(ctx context.Context) (*life, error) {
	for {
		g.mu.Lock()
		life, moved, reason, refuse := g.life, g.moved, g.reason, g.refuse
		if life != nil {
			g.inside++
			g.mu.Unlock()
			return life, nil
		}
		g.mu.Unlock()
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
func (g *gate) tryEnter() *life {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.life != nil {
		g.inside++
	}
	return g.life
}

// leave ends what enter began.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// open lets requests in to l.
func (g *gate) open(l *life) { g.set(l, "", false) }

// shut makes new requests wait, and waits until all have left that are inside, or
// until ctx ends.
func (g *gate) shut(ctx context.Context, reason string) {
	g.set(nil, reason, false)
	g.mu.Lock()
	if g.inside == 0 {
		g.mu.Unlock()
		return
	}
	if g.empty == nil {
		g.empty = make(chan struct{})
	}
	empty := g.empty
	g.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}

// bar shuts the gate and turns requests away at once.
func (g *gate) bar(reason string) { g.set(nil, reason, true) }

func (g *gate) set(l *life, reason string, refuse bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.life == l && g.reason == reason && g.refuse == refuse {
		return
	}
	g.life, g.reason, g.refuse = l, reason, refuse
	close(g.moved)
	g.moved = make(chan struct{})
}

// standing returns why the gate is shut; "" if it is open.
func (g *gate) standing() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reason
}
