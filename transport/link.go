package transport

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"pipelinedht/partition"
)

// Between the beginnings of two dials for one link pass at least minBackoff, and
// twice as long after each failure up to maxBackoff.
const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = time.Second
)

// errNoAddress is why a peer is not dialled.
var errNoAddress = errors.New("no address is known for the peer")

// link is this node's side of one lane to one peer: the connection that it
// dialled, or the dialling of it, which begins when somebody wants to send.
type link struct {
	t    *Transport
	peer partition.NodeID
	kind streamKind
	conn atomic.Pointer[conn] // nil: none that is open

	mu       sync.Mutex
	attempt  *attempt // to come or under way; nil: none
	backoff  time.Duration
	earliest time.Time // of the next attempt
	held     outbox    // messages for the connection that is being dialled
	failed   string    // how the last attempt did, logged; empty: it succeeded, or there was none
}

// attempt is one dial.
type attempt struct {
	hurry chan struct{} // one token: do not wait any longer before it
	err   error         // set before done is closed
	done  chan struct{} // closed when the dial has succeeded or failed
}

// busy reports whether there is a connection or one is being dialled.
func (l *link) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.attempt != nil || l.conn.Load() != nil
}

// hold keeps messages for the connection that is being dialled, so that the first
// words to a new peer are not lost; it takes all of them or none, and none for a
// peer that could not be reached the last time. They are lost if the dial fails.
// If a connection has come meanwhile, that is returned.
func (l *link) hold(limit int, frames []frame) (c *conn, held bool) {
	_, reachable := l.t.address(l.peer)
	if c, a := l.demand(); c != nil || a == nil || !reachable {
		return c, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.conn.Load(); c != nil {
		return c, false
	}
	if l.attempt == nil || l.failed != "" || !l.held.fits(size(frames), limit) {
		return nil, false
	}
	l.held.add(frames)
	return nil, true
}

// wait returns the connection, after dialling it if need be. It returns the
// error of the first dial that fails, or ctx's.
func (l *link) wait(ctx context.Context) (*conn, error) {
	for {
		if c := l.conn.Load(); c != nil {
			return c, nil
		}
		c, a := l.demand()
		if c != nil {
			return c, nil
		}
		if a == nil {
			return nil, ErrClosed
		}
		select {
		case <-a.done:
			if a.err != nil {
				return nil, a.err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// demand begins an attempt, unless there is one, and returns it; nil: the
// Transport is closed. If there is a connection by now, it returns that: another one
// would take its place, and what was sent on it be lost.
func (l *link) demand() (*conn, *attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.conn.Load(); c != nil {
		return c, nil
	}
	if l.attempt == nil {
		if !l.t.begin() {
			return nil, nil
		}
		l.attempt = &attempt{hurry: make(chan struct{}, 1), done: make(chan struct{})}
		go l.run(l.attempt, time.Until(l.earliest))
	}
	return nil, l.attempt
}

// hurry ends the wait after failed dials: the peer has just shown that it lives.
func (l *link) hurry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.backoff, l.earliest, l.failed = 0, time.Time{}, ""
	if l.attempt != nil {
		select {
		case l.attempt.hurry <- struct{}{}:
		default:
		}
	}
}

// run carries an attempt out, after the delay.
func (l *link) run(a *attempt, delay time.Duration) {
	defer l.t.running.Done()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.hurry:
	case <-l.t.ctx.Done():
	}
	began := time.Now()
	c, err := l.dial()
	l.finish(a, began, err)
	if err == nil {
		c.run()
	}
}

func (l *link) dial() (*conn, error) {
	s, err := l.t.dialPeer(l.t.ctx, l.peer, l.kind)
	if err != nil {
		return nil, err
	}
	c := newConn(l.t, s, l.kind, true)
	if !l.t.track(c, false) {
		hangUp(s)
		return nil, ErrClosed
	}
	c.settle(l)
	return c, nil
}

// finish makes the outcome of an attempt known.
func (l *link) finish(a *attempt, began time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.backoff, l.failed = 0, ""
	} else {
		l.held = outbox{}
		if err.Error() != l.failed && l.t.ctx.Err() == nil {
			l.t.cfg.Logger.Warn("cannot connect to peer", "peer", l.peer, "lane", l.kind, "err", err)
		}
		l.failed = err.Error()
	}
	l.backoff = min(max(2*l.backoff, minBackoff), maxBackoff)
	l.earliest = began.Add(l.backoff)
	a.err = err
	l.attempt = nil
	close(a.done)
}
