package transport

import (
	"context"
	"errors"
	"log/slog"
)

// closer is a connection of any kind.
type closer interface{ close(why error) }

// track counts a connection among those that Close closes. False: there are too
// many, or the Transport is closed.
func (t *Transport) track(c closer, accepted bool) bool {
	visit := isVisit(c)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || accepted && (t.accepted == maxAccepted || visit && t.visitors == maxVisitors) {
		return false
	}
	if accepted {
		t.accepted++
		if visit {
			t.visitors++
		}
	}
	t.open[c] = accepted
	return true
}

func (t *Transport) untrack(c closer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[c] {
		t.accepted--
		if isVisit(c) {
			t.visitors--
		}
	}
	delete(t.open, c)
}

func isVisit(c closer) bool {
	framed, ok := c.(*conn)
	return ok && framed.kind == kindVisit
}

// ended is called once nothing more is delivered from a connection.
func (t *Transport) ended(c *conn) {
	level := slog.LevelDebug
	if errors.Is(c.err, errFrameSum) || errors.Is(c.err, errFrameKind) || errors.Is(c.err, errFrameSize) {
		level = slog.LevelWarn
	}
	t.cfg.Logger.Log(context.Background(), level, "connection closed", "conn", c.String(), "err", c.err)
	if c.kind < lanes && t.ctx.Err() == nil {
		t.cfg.Handler.Lost(c.remote.Node)
	}
	t.forget(c)
}

// forget makes room for the next connection in this one's place.
func (t *Transport) forget(c *conn) {
	t.untrack(c)
	if c.kind < lanes && !c.dialled {
		t.peers.displace(c)
	}
}

// hear takes in what a node of the cluster said of itself, and closes the
// connections with earlier incarnations of it. False: it is such a one itself.
func (t *Transport) hear(id Identity) bool {
	earlier, ok := t.peers.hear(id, t)
	for _, c := range earlier {
		c.close(errStale)
	}
	return ok
}

// begin counts something that Close waits for, until running.Done; false: the
// Transport is closed, and it must not start.
func (t *Transport) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.running.Add(1)
	return true
}

// beginGreeting is begin for a handshake, of which there are not too many.
func (t *Transport) beginGreeting() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.greeting == maxGreeting {
		return false
	}
	t.greeting++
	t.running.Add(1)
	return true
}

func (t *Transport) endGreeting() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.greeting--
	t.running.Done()
}
