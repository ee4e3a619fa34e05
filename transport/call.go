package transport

import (
	"context"
	"errors"
	"fmt"

	"pipelinedht/partition"
)

// call is a request that waits for its reply.
type call struct {
	end    uint64 // of its frame, as a count of the connection's outbox.added
	result chan result
}

type result struct {
	body []byte
	err  error
}

// errNotTaken is returned by conn.call when the connection closed before it took
// the request: another one may.
var errNotTaken = errors.New("closed before the request was taken")

// Call sends a request to the peer and waits for the reply. It waits, for as
// long as ctx allows, for a connection and for room in its buffer; a dial that
// fails ends it at once. The body is copied or kept, as with Send; the reply is the caller's.
// Errors wrap ErrNotSent or ErrLost, or are ErrTooLarge.
func (t *Transport) Call(ctx context.Context, to partition.NodeID, lane Lane, body []byte) ([]byte, error) {
	if len(body) > lane.MaxBody() {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, ErrTooLarge)
	}
	for {
		c, err := t.link(to, lane).wait(ctx)
		if err != nil {
			return nil, fmt.Errorf("call %v: %w: %w", to, ErrNotSent, err)
		}
		reply, err := c.call(ctx, body)
		if err == nil {
			return reply, nil
		}
		if err != errNotTaken {
			return nil, fmt.Errorf("call %v: %w", to, err)
		}
	}
}

// call sends a request and waits for the reply.
func (c *conn) call(ctx context.Context, body []byte) ([]byte, error) {
	waiting, ok := c.t.idleCalls.Get().(*call)
	if !ok {
		waiting = &call{result: make(chan result, 1)}
	}
	defer c.t.idleCalls.Put(waiting)
	id, err := c.request(ctx, waiting, body)
	if err != nil {
		return nil, err
	}
	select {
	case r := <-waiting.result:
		return r.body, r.err
	case <-ctx.Done():
	}
	if c.abandon(id) {
		return nil, fmt.Errorf("%w: %w", ErrLost, context.Cause(ctx))
	}
	r := <-waiting.result // it was on its way already
	return r.body, r.err
}

// request waits for room and puts the request into the outbox.
func (c *conn) request(ctx context.Context, waiting *call, body []byte) (id uint64, err error) {
	c.mu.Lock()
	c.lastCall++
	id = c.lastCall
	c.mu.Unlock()
	f := newFrame(frameRequest, id, body)
	for {
		room, err := c.tryRequest(id, waiting, &f)
		if room == nil {
			return id, err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return 0, fmt.Errorf("%w: buffer full: %w", ErrNotSent, context.Cause(ctx))
		}
	}
}

// tryRequest returns a channel that is closed when there is room, if now there is
// none.
func (c *conn) tryRequest(id uint64, waiting *call, f *frame) (room <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, errNotTaken
	}
	if !c.out.fits(f.size(), c.limits.call) {
		if c.room == nil {
			c.room = make(chan struct{})
		}
		return c.room, nil
	}
	c.out.addOne(f)
	waiting.end = c.out.added
	c.calls[id] = waiting
	c.wakeLocked()
	return nil, nil
}

// abandon forgets a call. It returns false if the call is answered already.
func (c *conn) abandon(id uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, waits := c.calls[id]
	delete(c.calls, id)
	return waits
}

// answered passes a reply on. One that nobody waits for is dropped.
func (c *conn) answered(h header, body []byte) {
	c.mu.Lock()
	waiting, ok := c.calls[h.id]
	delete(c.calls, h.id)
	c.mu.Unlock()
	if !ok {
		return
	}
	var r result
	switch h.kind {
	case frameReply:
		r.body = body
	case frameBusy:
		r.err = fmt.Errorf("%w: the peer has too many requests under way", ErrNotSent)
	case frameTooLarge:
		r.err = ErrTooLarge
	case frameLost:
		r.err = fmt.Errorf("%w: the peer has too many replies waiting", ErrLost)
	}
	waiting.result <- r
}

// failCallsLocked ends all calls of a connection that is closed. Those of which
// no byte was handed to the network were not sent.
func (c *conn) failCallsLocked() {
	for id, waiting := range c.calls {
		err := fmt.Errorf("%w: %w", ErrLost, c.err)
		if waiting.end > c.out.taken {
			err = fmt.Errorf("%w: %w", ErrNotSent, c.err)
		}
		waiting.result <- result{err: err}
		delete(c.calls, id)
	}
}
