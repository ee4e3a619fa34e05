package transport

import (
	"context"
	"fmt"
)

// Visit asks the node at an address, of whatever cluster, a question and returns
// who it is and its answer. Both bodies are at most Control.MaxBody. Errors wrap
// ErrNotSent or ErrLost, and a *Refusal where the node turned the visit down.
func (t *Transport) Visit(ctx context.Context, address string, body []byte) (Identity, []byte, error) {
	if len(body) > Control.MaxBody() {
		return Identity{}, nil, fmt.Errorf("visit %s: %w: %w", address, ErrNotSent, ErrTooLarge)
	}
	c, err := t.beginVisit(ctx, address)
	if err != nil {
		return Identity{}, nil, fmt.Errorf("visit %s: %w: %w", address, ErrNotSent, err)
	}
	defer func() {
		c.close(errDone)
		<-c.stopped
	}()
	reply, err := c.call(ctx, body)
	if err == errNotTaken {
		err = fmt.Errorf("%w: %w", ErrNotSent, context.Cause(c.ctx))
	}
	if err != nil {
		return c.remote, nil, fmt.Errorf("visit %s: %w", address, err)
	}
	return c.remote, reply, nil
}

func (t *Transport) beginVisit(ctx context.Context, address string) (*conn, error) {
	if !t.begin() {
		return nil, ErrClosed
	}
	s, err := t.dial(ctx, address, kindVisit, 0)
	if err != nil {
		t.running.Done()
		return nil, err
	}
	c := newConn(t, s, kindVisit, true)
	if !t.track(c, false) {
		t.running.Done()
		hangUp(s)
		return nil, ErrClosed
	}
	if id := s.remote; id.Cluster == t.cfg.Self.Cluster && id.Node != t.cfg.Self.Node {
		t.hear(id)
	}
	go func() {
		defer t.running.Done()
		c.run()
	}()
	return c, nil
}

// visited hands the one question of a visit to the Handler.
func (c *conn) visited(h header, body []byte) error {
	if c.asked || h.kind != frameRequest {
		return errFrameKind
	}
	c.asked = true
	if !c.t.begin() {
		return ErrClosed
	}
	go func() {
		defer c.t.running.Done()
		c.answer(h.id, c.t.cfg.Handler.Visit(c.ctx, c.remote, body))
	}()
	return nil
}
