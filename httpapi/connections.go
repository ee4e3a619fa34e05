package httpapi

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// connections bounds how many clients are connected, and knows since when each
// has kept the server waiting: one more than the limit closes the one that has
// for longest. A request takes no lock here.
type connections struct {
	limit int64
	stall time.Duration // Limits.Stall
	began time.Time
	open  atomic.Int64 // connections that are not about to be closed

	mu    sync.Mutex               // held while the idlest is looked for, too
	known map[*connection]struct{} // from StateNew to StateClosed or StateHijacked

	looking atomic.Bool    // for hang-ups; changed under mu
	closed  bool           // no more looking; guarded by mu
	stop    chan struct{}  // closed with closed
	lookers sync.WaitGroup // one at most
}

func newConnections(limit int, stall time.Duration) *connections {
	return &connections{
		limit: int64(limit), stall: stall, began: time.Now(),
		known: make(map[*connection]struct{}), stop: make(chan struct{}),
	}
}

// silence returns the state of a client that is silent from now on.
func (c *connections) silence() int64 { return (int64(time.Since(c.began)) + 1) << 1 }

// listener has what it accepts be connections.
type listener struct {
	net.Listener
	all *connections
}

// Accept is net.Listener's.
func (l listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newConnection(l.all, nc), nil
}

// changed is the http.Server's ConnState hook. A connection is idle until the
// headers of a request are whole.
func (c *connections) changed(nc net.Conn, state http.ConnState) {
	one, ok := nc.(*connection)
	if !ok {
		return
	}
	switch state {
	case http.StateNew:
		one.become(c.silence())
		c.mu.Lock()
		defer c.mu.Unlock()
		c.known[one] = struct{}{}
		if c.open.Add(1) > c.limit {
			c.makeRoomLocked()
		}
	case http.StateActive:
		one.begins()
	case http.StateIdle:
		one.become(c.silence())
	case http.StateHijacked, http.StateClosed:
		c.mu.Lock()
		defer c.mu.Unlock()
		one.end(nil)
		delete(c.known, one)
		if one.state.Swap(connClosed) != connClosed {
			c.open.Add(-1)
		}
	}
}

// makeRoomLocked closes the connection that has been silent for longest: the
// newest, if all others are busy.
func (c *connections) makeRoomLocked() {
	for c.open.Load() > c.limit {
		var idlest *connection
		var since int64
		for one := range c.known {
			if state, ok := one.silent(); ok && (idlest == nil || state < since) {
				idlest, since = one, state
			}
		}
		if idlest == nil {
			return
		}
		idlest.cut(since)
	}
}

const (
	// lastWord is how long the clients that are connected when no more are taken
	// may have for their first request: it is on its way, or else there is none.
	lastWord  = 500 * time.Millisecond
	lookAgain = 5 * time.Millisecond
)

// hearOut waits until every client has asked something, and closes those that have
// not when lastWord is over. No more are taken meanwhile. http.Server's Shutdown
// answers no request that it reads once it has begun, and waits five seconds for
// clients that never send one.
func (c *connections) hearOut(ctx context.Context) {
	over := time.NewTimer(lastWord)
	defer over.Stop()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for c.eachUnheard(func(*connection) {}) > 0 {
		select {
		case <-again.C:
			continue
		case <-over.C:
		case <-ctx.Done():
		}
		c.eachUnheard(func(one *connection) { one.Close() })
		return
	}
}

// eachUnheard calls f for the clients that have asked nothing yet, and returns how
// many there are.
func (c *connections) eachUnheard(f func(*connection)) (count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.known {
		if !one.heard.Load() {
			f(one)
			count++
		}
	}
	return count
}
