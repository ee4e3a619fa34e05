package httpapi

import (
	"math"
	"sync"
	"sync/atomic"
)

// gate counts who is inside, and once closed lets nobody in.
type gate struct {
	inside atomic.Int64  // shut is added when closed
	once   sync.Once     // guards the closing of empty
	empty  chan struct{} // closed by whoever finds the closed gate empty
}

const shut = math.MinInt64

func newGate() *gate { return &gate{empty: make(chan struct{})} }

// enter reports whether the gate is open; who is in must leave.
func (g *gate) enter() bool {
	if g.inside.Add(1) > 0 {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.inside.Add(-1) == shut {
		g.once.Do(func() { close(g.empty) })
	}
}

// close waits until nobody is inside any more. It may be called more than once.
func (g *gate) close() {
	for {
		n := g.inside.Load()
		if n < 0 {
			break
		}
		if g.inside.CompareAndSwap(n, n+shut) {
			if n == 0 {
				g.once.Do(func() { close(g.empty) })
			}
			break
		}
	}
	<-g.empty
}
