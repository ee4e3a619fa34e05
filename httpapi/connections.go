package httpapi

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// connections bounds how many clients are connected: one more than the limit
// closes the one that has been idle for longest. A request costs two look-ups
// and no lock.
type connections struct {
	limit int64
	open  atomic.Int64 // connections that are not about to be closed
	turns atomic.Int64 // orders the moments at which connections became idle
	known sync.Map     // net.Conn to *connection, while open
	evict sync.Mutex   // held while the idlest is looked for
}

// connection is one client's. idle is the turn at which it last became idle, or
// one of the constants below.
type connection struct{ idle atomic.Int64 }

const (
	connBusy   = 0  // a request is under way
	connClosed = -1 // closed, or taken over by another server
)

func newConnections(limit int) *connections { return &connections{limit: int64(limit)} }

// changed is the http.Server's ConnState hook.
func (c *connections) changed(nc net.Conn, state http.ConnState) {
	if state == http.StateNew {
		one := new(connection)
		one.idle.Store(c.turns.Add(1))
		c.known.Store(nc, one)
		if c.open.Add(1) > c.limit {
			c.makeRoom()
		}
		return
	}
	known, ok := c.known.Load(nc)
	if !ok {
		return
	}
	one := known.(*connection)
	switch state {
	case http.StateActive:
		one.become(connBusy)
	case http.StateIdle:
		one.become(c.turns.Add(1))
	case http.StateHijacked, http.StateClosed:
		c.known.Delete(nc)
		if one.idle.Swap(connClosed) != connClosed {
			c.open.Add(-1)
		}
	}
}

// become sets idle, unless the connection is closed already.
func (one *connection) become(idle int64) {
	if was := one.idle.Load(); was != connClosed {
		one.idle.CompareAndSwap(was, idle)
	}
}

// makeRoom closes the idlest connection: the newest, if all others are busy.
func (c *connections) makeRoom() {
	c.evict.Lock()
	defer c.evict.Unlock()
	for c.open.Load() > c.limit {
		var idlest *connection
		var conn net.Conn
		var since int64
		c.known.Range(func(key, value any) bool {
			one := value.(*connection)
			if idle := one.idle.Load(); idle > 0 && (idlest == nil || idle < since) {
				idlest, conn, since = one, key.(net.Conn), idle
			}
			return true
		})
		if idlest == nil {
			return
		}
		if idlest.idle.CompareAndSwap(since, connClosed) {
			c.open.Add(-1)
			conn.Close()
		}
	}
}
