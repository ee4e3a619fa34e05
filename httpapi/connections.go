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
// for longest. A request costs a few look-ups and no lock.
type connections struct {
	limit int64
	stall time.Duration // Limits.Stall
	began time.Time
	open  atomic.Int64 // connections that are not about to be closed
	known sync.Map     // net.Conn to *connection, while open
	evict sync.Mutex   // held while the idlest is looked for
}

// connection is one client's. Its state is one of the constants below, or since
// when the client has been silent: nanoseconds after connections.began, above 0,
// shifted left by one; the lowest bit is set in the middle of a request or of its
// answer. A nil connection, of a Server without Serve, is never closed.
type connection struct {
	all   *connections
	conn  net.Conn
	state atomic.Int64
	heard atomic.Bool // a request of it has been with a handler
}

const (
	connBusy   = 0  // the server is at work for it
	connClosed = -1 // closed, or taken over by another server

	midway = 1 // bit of connection.state
)

func newConnections(limit int, stall time.Duration) *connections {
	return &connections{limit: int64(limit), stall: stall, began: time.Now()}
}

// silence returns the state of a client that is silent from now on.
func (c *connections) silence() int64 { return (int64(time.Since(c.began)) + 1) << 1 }

type connectionKey struct{}

// context is the http.Server's ConnContext hook, which comes first of all.
func (c *connections) context(ctx context.Context, nc net.Conn) context.Context {
	one := &connection{all: c, conn: nc}
	c.known.Store(nc, one)
	return context.WithValue(ctx, connectionKey{}, one)
}

// connectionOf returns the connection that a request came on.
func connectionOf(ctx context.Context) *connection {
	one, _ := ctx.Value(connectionKey{}).(*connection)
	return one
}

// changed is the http.Server's ConnState hook. A connection is idle until the
// headers of a request are whole.
func (c *connections) changed(nc net.Conn, state http.ConnState) {
	known, ok := c.known.Load(nc)
	if !ok {
		return
	}
	one := known.(*connection)
	switch state {
	case http.StateNew:
		one.become(c.silence())
		if c.open.Add(1) > c.limit {
			c.makeRoom()
		}
	case http.StateActive:
		one.become(connBusy)
	case http.StateIdle:
		one.become(c.silence())
	case http.StateHijacked, http.StateClosed:
		c.known.Delete(nc)
		if one.state.Swap(connClosed) != connClosed {
			c.open.Add(-1)
		}
	}
}

// become sets the state, unless the connection is closed already.
func (one *connection) become(state int64) {
	if was := one.state.Load(); was != connClosed {
		one.state.CompareAndSwap(was, state)
	}
}

// waits says that from now on the server waits for the client, to send the rest
// of a request or to take the rest of an answer.
func (one *connection) waits() {
	if one != nil {
		one.become(one.all.silence() | midway)
	}
}

// asks says that a request has come.
func (one *connection) asks() {
	if one != nil && !one.heard.Load() {
		one.heard.Store(true)
	}
}

// works says that the server is at work for the client.
func (one *connection) works() {
	if one != nil {
		one.become(connBusy)
	}
}

// silent returns the state if the connection may be closed for another one:
// between two requests always, in the middle of one after Limits.Stall.
func (one *connection) silent() (state int64, ok bool) {
	state = one.state.Load()
	switch {
	case state <= connBusy:
		return 0, false
	case state&midway != 0:
		return state, one.all.silence()-state >= int64(one.all.stall)<<1
	}
	return state, true
}

// cut closes the connection, unless it is in another state by now.
func (one *connection) cut(state int64) {
	if one.state.CompareAndSwap(state, connClosed) {
		one.all.open.Add(-1)
		one.conn.Close()
	}
}

// makeRoom closes the connection that has been silent for longest: the newest, if
// all others are busy.
func (c *connections) makeRoom() {
	c.evict.Lock()
	defer c.evict.Unlock()
	for c.open.Load() > c.limit {
		var idlest *connection
		var since int64
		c.known.Range(func(_, value any) bool {
			one := value.(*connection)
			if state, ok := one.silent(); ok && (idlest == nil || state < since) {
				idlest, since = one, state
			}
			return true
		})
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
		c.eachUnheard(func(one *connection) { one.conn.Close() })
		return
	}
}

// eachUnheard calls f for the clients that have asked nothing yet, and returns how
// many there are.
func (c *connections) eachUnheard(f func(*connection)) (count int) {
	c.known.Range(func(_, value any) bool {
		if one := value.(*connection); !one.heard.Load() {
			f(one)
			count++
		}
		return true
	})
	return count
}
