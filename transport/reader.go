package transport

import (
	"context"
	"time"
)

// slowestBytes is the bytes a second at which a large frame must come, after
// slowestStart.
const (
	slowestBytes = 64 << 10
	slowestStart = 3 * time.Second
)

// read takes in frames until the connection is closed or fails. It returns why.
func (c *conn) read() error {
	frames := frameReader{
		src: readMarker{c}, limit: c.limits.body,
		pause: c.endBatch, large: c.admitLarge,
		buf: c.begun, w: len(c.begun),
	}
	for {
		h, body, err := frames.next()
		if err == nil {
			err = c.receive(h, body)
		}
		if err != nil {
			return err
		}
	}
}

// receive handles one frame.
func (c *conn) receive(h header, body []byte) error {
	switch h.kind {
	case frameAlive:
		return nil
	case frameMessage, frameRequest:
		if c.dialled {
			return errFrameKind
		}
		if c.kind == kindVisit {
			return c.visited(h, body)
		}
		if h.kind == frameRequest {
			c.serve(h.id, body)
		} else {
			c.t.cfg.Handler.Message(c.remote.Node, c.remote.Incarnation, Lane(c.kind), body)
		}
		return nil
	default:
		if !c.dialled {
			return errFrameKind
		}
		c.answered(h, body)
		return nil
	}
}

// readMarker reads from a connection and marks in conn.reads that it does.
type readMarker struct{ c *conn }

func (r readMarker) Read(p []byte) (int, error) {
	r.c.reads.Add(1)
	n, err := r.c.nc.Read(p)
	r.c.reads.Add(1)
	r.c.beginBatch()
	return n, err
}

// beginBatch has the replies to what was just read wait for endBatch, to be
// written together.
func (c *conn) beginBatch() {
	if c.dialled {
		return
	}
	c.mu.Lock()
	c.batching = true
	c.mu.Unlock()
}

func (c *conn) endBatch() {
	if c.dialled {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batching = false
	if c.out.queued > 0 {
		c.wakeLocked()
	}
}

// admitLarge waits until there is memory for a large body, and gives it a
// deadline.
func (c *conn) admitLarge(size int) (done func(), err error) {
	c.endBatch()
	if err := c.t.large.Acquire(c.ctx, int64(size)); err != nil {
		return nil, context.Cause(c.ctx)
	}
	longest := slowestStart + time.Duration(size/slowestBytes)*time.Second
	c.nc.SetReadDeadline(time.Now().Add(longest))
	return func() {
		c.nc.SetReadDeadline(time.Time{})
		c.t.large.Release(int64(size))
	}, nil
}
