package node

import (
	"context"
	"errors"
	"sync"

	"pipelinedht/partition"
	"pipelinedht/partition/host"
	"pipelinedht/partition/replica"
	"pipelinedht/transport"
)

// Calls between nodes go to Raft on the control lane and to the copies on the
// others; nothing else tells them apart.

const (
	// maxRaftCalls is how many of them Raft is at work on at once; one more gets
	// an empty reply, which says that nothing was done, and comes again.
	maxRaftCalls = 256
	// maxHeldCalls is how many wait for a host that is not open yet; one more is
	// never answered, and its caller's time-out ends it.
	maxHeldCalls = 4096
)

// Message is transport.Handler's: copies speaking to copies.
func (l *life) Message(from partition.NodeID, inc partition.Incarnation, lane transport.Lane, body []byte) {
	if h := l.host.Load(); h != nil {
		h.Message(from, inc, replica.Lane(lane), body)
	}
}

// Call is transport.Handler's.
func (l *life) Call(from partition.NodeID, lane transport.Lane, body []byte, reply func([]byte)) {
	if h := l.host.Load(); h != nil && lane != transport.Control {
		h.Call(from, replica.Lane(lane), body, reply)
		return
	}
	if lane != transport.Control {
		l.held.call(func(h *host.Host) { h.Call(from, replica.Lane(lane), body, reply) })
		return
	}
	raft := l.raft.Load()
	select {
	case l.jobs <- struct{}{}:
	default:
		raft = nil
	}
	if raft == nil || l.ctx.Err() != nil {
		reply(nil)
		return
	}
	l.wg.Add(1)
	go func() {
		defer l.wg.Done()
		defer func() { <-l.jobs }()
		reply(raft.HandleCall(l.ctx, from, body))
	}()
}

// Refused is transport.Handler's.
func (l *life) Refused(peer partition.NodeID) {
	if h := l.host.Load(); h != nil {
		h.Refused(peer)
	}
}

// Lost is transport.Handler's.
func (l *life) Lost(peer partition.NodeID) {
	if h := l.host.Load(); h != nil {
		h.Lost(peer)
	}
}

// heldCalls keeps calls back until there is a host to take them.
type heldCalls struct {
	mu    sync.Mutex
	host  *host.Host
	calls []func(*host.Host)
}

// call hands f to the host, now or when there is one.
func (c *heldCalls) call(f func(*host.Host)) {
	c.mu.Lock()
	h := c.host
	if h == nil && len(c.calls) < maxHeldCalls {
		c.calls = append(c.calls, f)
	}
	c.mu.Unlock()
	if h != nil {
		f(h)
	}
}

// release hands everything kept back, and all that comes, to h.
func (c *heldCalls) release(h *host.Host) {
	c.mu.Lock()
	c.host = h
	calls := c.calls
	c.calls = nil
	c.mu.Unlock()
	for _, f := range calls {
		f(h)
	}
}

// raftCaller carries Raft's calls.
type raftCaller struct{ net *transport.Transport }

func (c raftCaller) Call(ctx context.Context, to partition.NodeID, body []byte) ([]byte, error) {
	return c.net.Call(ctx, to, transport.Control, body)
}

// hostNet carries the copies' messages and calls.
type hostNet struct{ net *transport.Transport }

func (n hostNet) Send(to partition.NodeID, lane replica.Lane, bodies ...[]byte) bool {
	return n.net.Send(to, transport.Lane(lane), bodies...)
}

func (n hostNet) Call(ctx context.Context, to partition.NodeID, lane replica.Lane, body []byte) ([]byte, error) {
	reply, err := n.net.Call(ctx, to, transport.Lane(lane), body)
	switch {
	case errors.Is(err, transport.ErrNotSent):
		return nil, host.ErrNotSent
	case errors.Is(err, transport.ErrTooLarge):
		return nil, host.ErrTooLarge
	}
	return reply, err
}

func (hostNet) MaxBody(lane replica.Lane) int { return transport.Lane(lane).MaxBody() }
