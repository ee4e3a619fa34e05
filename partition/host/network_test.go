package host_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/host"
	"pipelinedht/partition/replica"
)

var errLost = errors.New("connection lost")

// hearing is how long a call waits on a connection that has gone dead without a
// sign.
const hearing = 3 * time.Second

// network carries bodies between the hosts of one process: in order per node and
// lane, after a while; not at all between nodes that are cut off from each other.
type network struct {
	mu    sync.Mutex
	rand  *rand.Rand
	hosts map[partition.NodeID]*host.Host
	lines map[line]*cable
	dead  map[pair]bool // what one says to the other vanishes
	calls map[*call]struct{}
	loss  int           // of a thousand bodies, this many are not taken
	extra time.Duration // that every body is on its way besides
	wg    sync.WaitGroup
}

type pair struct{ from, to partition.NodeID }

type line struct {
	pair
	lane replica.Lane
}

// cable is a queue of deliveries, each due at a time.
type cable struct {
	queue chan parcel
	last  time.Time
}

type parcel struct {
	due     time.Time
	deliver func()
}

type call struct {
	pair
	done chan error
	body []byte
}

func newNetwork(seed uint64) *network {
	return &network{
		rand:  rand.New(rand.NewPCG(seed, 1)),
		hosts: make(map[partition.NodeID]*host.Host),
		lines: make(map[line]*cable),
		dead:  make(map[pair]bool),
		calls: make(map[*call]struct{}),
	}
}

// put hands a delivery to a line. n.mu is held.
func (n *network) put(l line, deliver func()) {
	c := n.lines[l]
	if c == nil {
		c = &cable{queue: make(chan parcel, 1<<16)}
		n.lines[l] = c
		n.wg.Go(func() {
			for p := range c.queue {
				time.Sleep(time.Until(p.due))
				p.deliver()
			}
		})
	}
	due := time.Now().Add(n.extra + 50*time.Microsecond + time.Duration(n.rand.Int64N(int64(300*time.Microsecond))))
	if due.Before(c.last) {
		due = c.last
	}
	c.last = due
	c.queue <- parcel{due, deliver}
}

// takes reports whether a body is taken at all. n.mu is held.
func (n *network) takes(from, to partition.NodeID) bool {
	return n.lines != nil && n.hosts[from] != nil && n.hosts[to] != nil && n.rand.IntN(1000) >= n.loss
}

// attach puts a host on the network.
func (n *network) attach(id partition.NodeID, h *host.Host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[id] = h
}

// detach takes a host off: its connections break, and dialling it is refused.
func (n *network) detach(id partition.NodeID) {
	n.mu.Lock()
	delete(n.hosts, id)
	others := make([]*host.Host, 0, len(n.hosts))
	for _, h := range n.hosts {
		others = append(others, h)
	}
	for c := range n.calls {
		if c.from == id || c.to == id {
			n.end(c, errLost, nil)
		}
	}
	n.mu.Unlock()
	for _, h := range others {
		h.Lost(id)
		h.Refused(id)
	}
}

// cut makes everything between a node and the others vanish, or lets it pass again.
func (n *network) cut(id partition.NodeID, off bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for other := range n.hosts {
		if other != id {
			n.dead[pair{id, other}] = off
			n.dead[pair{other, id}] = off
		}
	}
}

// close ends all lines.
func (n *network) close() {
	n.mu.Lock()
	for _, c := range n.lines {
		close(c.queue)
	}
	n.lines = nil
	n.mu.Unlock()
	n.wg.Wait()
}

// end ends a call. n.mu is held.
func (n *network) end(c *call, err error, body []byte) {
	if _, open := n.calls[c]; open {
		delete(n.calls, c)
		c.body = body
		c.done <- err
	}
}

// plug is one host's end of the network.
type plug struct {
	*network
	self partition.NodeID
	inc  partition.Incarnation
}

func (p *plug) MaxBody(lane replica.Lane) int {
	if lane == replica.Bulk {
		return 64 << 20
	}
	return 1 << 20
}

func (p *plug) Send(to partition.NodeID, lane replica.Lane, bodies ...[]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.takes(p.self, to) {
		return false
	}
	for _, body := range bodies {
		body = bytes.Clone(body)
		p.put(line{pair{p.self, to}, lane}, func() {
			if h := p.reach(p.self, to); h != nil {
				h.Message(p.self, p.inc, lane, body)
			}
		})
	}
	return true
}

// reach returns the host at the other end, nil if nothing gets there.
func (n *network) reach(from, to partition.NodeID) *host.Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead[pair{from, to}] || n.hosts[from] == nil {
		return nil
	}
	return n.hosts[to]
}

func (p *plug) Call(ctx context.Context, to partition.NodeID, lane replica.Lane, body []byte) ([]byte, error) {
	body = bytes.Clone(body)
	c := &call{pair: pair{p.self, to}, done: make(chan error, 1)}
	p.mu.Lock()
	if !p.takes(p.self, to) {
		p.mu.Unlock()
		return nil, host.ErrNotSent
	}
	p.calls[c] = struct{}{}
	p.put(line{c.pair, lane}, func() {
		if h := p.reach(p.self, to); h != nil {
			h.Call(p.self, lane, body, func(reply []byte) { p.reply(c, lane, bytes.Clone(reply)) })
		}
	})
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.calls, c)
		p.mu.Unlock()
	}()
	select {
	case err := <-c.done:
		return c.body, err
	case <-time.After(hearing):
		return nil, errLost
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// reply sends the answer to a call back.
func (p *plug) reply(c *call, lane replica.Lane, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines == nil || p.hosts[c.to] == nil {
		return
	}
	p.put(line{pair{c.to, c.from}, lane}, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.dead[pair{c.to, c.from}] {
			p.end(c, nil, body)
		}
	})
}
