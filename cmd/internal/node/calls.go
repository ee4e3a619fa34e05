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
	// an empty reply, which tells its caller nothing, and comes again.
	maxRaftCalls = 256
	// maxHeldCalls is how many wait for a host that is not open yet; one more gets
	// an empty reply.
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
		l.held.add(heldCall{from, replica.Lane(lane), body, reply})
		return
	}
	raft := l.raft.Load()
	if raft == nil || l.ctx.Err() != nil {
		reply(nil)
		return
	}
	select {
	case l.jobs <- struct{}{}:
	default:
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

// heldCall is a call to the copies that waits for them.
type heldCall struct {
	from  partition.NodeID
	lane  replica.Lane
	body  []byte
	reply func([]byte)
}

// heldCalls keeps calls back until there is a host to take them. The empty reply
// of those that it turns down tells the caller nothing: it asks again.
type heldCalls struct {
	mu     sync.Mutex
	host   *host.Host
	closed bool
	calls  []heldCall
}

// add hands a call to the host, now or when there is one.
func (c *heldCalls) add(call heldCall) {
	c.mu.Lock()
	h := c.host
	held := h == nil && !c.closed && len(c.calls) < maxHeldCalls
	if held {
		c.calls = append(c.calls, call)
	}
	c.mu.Unlock()
	switch {
	case h != nil:
		h.Call(call.from, call.lane, call.body, call.reply)
	case !held:
		call.reply(nil)
	}
}

// release hands everything kept back, and all that comes, to h.
func (c *heldCalls) release(h *host.Host) {
	for _, call := range c.take(h, false) {
		h.Call(call.from, call.lane, call.body, call.reply)
	}
}

// close turns down everything kept back, and all that comes.
func (c *heldCalls) close() {
	for _, call := range c.take(nil, true) {
		call.reply(nil)
	}
}

func (c *heldCalls) take(h *host.Host, closed bool) []heldCall {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.host, c.closed, c.calls = h, closed, nil
	return calls
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
