package fsm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

// testNet connects nodes within a process, by net.Pipe, and cuts them apart.
type testNet struct {
	mu    sync.Mutex // guards all of it
	nodes map[partition.NodeID]*testStreams
	calls map[partition.NodeID]*Raft
	cut   map[[2]partition.NodeID]bool
	conns map[*testConn]struct{}
	// faulty, if set, has calls delivered again later, and replies lost.
	faulty *rand.Rand
	// delay, if set, tells how long the next write of Raft's takes to arrive.
	delay func() time.Duration
}

func newTestNet() *testNet {
	return &testNet{
		nodes: make(map[partition.NodeID]*testStreams),
		calls: make(map[partition.NodeID]*Raft),
		cut:   make(map[[2]partition.NodeID]bool),
		conns: make(map[*testConn]struct{}),
	}
}

var errCut = errors.New("network cut")

func (n *testNet) isCutLocked(a, b partition.NodeID) bool {
	return n.cut[[2]partition.NodeID{a, b}] || n.cut[[2]partition.NodeID{b, a}]
}

// isolate cuts a node from all others, or joins it to them again, breaking the
// connections there are.
func (n *testNet) isolate(id partition.NodeID, cut bool) {
	n.mu.Lock()
	var broken []*testConn
	for other := range n.nodes {
		if other != id {
			n.cut[[2]partition.NodeID{id, other}] = cut
			delete(n.cut, [2]partition.NodeID{other, id})
		}
	}
	for c := range n.conns {
		if cut && (c.ends[0] == id || c.ends[1] == id) {
			broken = append(broken, c)
		}
	}
	n.mu.Unlock()
	for _, c := range broken {
		c.Close()
	}
}

// slow has each write of Raft's take as long as delay says; nil: no time.
func (n *testNet) slow(delay func() time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = delay
}

// Call implements Caller for the node that from is.
type testCaller struct {
	net  *testNet
	from partition.NodeID
}

func (c testCaller) Call(ctx context.Context, to partition.NodeID, body []byte) ([]byte, error) {
	c.net.mu.Lock()
	r, cut := c.net.calls[to], c.net.isCutLocked(c.from, to)
	again, lost := time.Duration(0), false
	if c.net.faulty != nil && r != nil {
		again, lost = time.Duration(c.net.faulty.Int64N(int64(4*time.Second))), c.net.faulty.IntN(4) == 0
	}
	c.net.mu.Unlock()
	if r == nil {
		return nil, errors.New("connection refused")
	}
	if cut {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	reply := r.HandleCall(ctx, c.from, body)
	if again > 0 {
		time.AfterFunc(again, func() { r.HandleCall(context.Background(), c.from, body) })
	}
	if lost {
		return nil, errCut
	}
	return reply, nil
}

// testStreams implements raft.StreamLayer.
type testStreams struct {
	net    *testNet
	id     partition.NodeID
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (n *testNet) listen(id partition.NodeID) *testStreams {
	s := &testStreams{net: n, id: id, accept: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes[id] = s
	return s
}

func (s *testStreams) Accept() (net.Conn, error) {
	select {
	case c := <-s.accept:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *testStreams) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *testStreams) Addr() net.Addr { return &net.UnixAddr{Name: s.id.String()} }

func (s *testStreams) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	to, err := partition.ParseNodeID(string(address))
	if err != nil {
		return nil, err
	}
	s.net.mu.Lock()
	peer, cut := s.net.nodes[to], s.net.isCutLocked(s.id, to)
	s.net.mu.Unlock()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	if cut {
		<-timer.C
		return nil, errCut
	}
	if peer == nil {
		return nil, errors.New("connection refused")
	}
	mine, theirs := net.Pipe()
	select {
	case peer.accept <- s.net.conn(theirs, to, s.id):
		return s.net.conn(mine, s.id, to), nil
	case <-peer.closed:
		return nil, errors.New("connection refused")
	case <-timer.C:
		return nil, errors.New("dial timed out")
	}
}

// testConn is one end of a pipe.
type testConn struct {
	net.Conn
	of   *testNet
	ends [2]partition.NodeID
}

func (n *testNet) conn(c net.Conn, a, b partition.NodeID) net.Conn {
	t := &testConn{c, n, [2]partition.NodeID{a, b}}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[t] = struct{}{}
	return t
}

func (c *testConn) Write(b []byte) (int, error) {
	c.of.mu.Lock()
	var delay time.Duration
	if c.of.delay != nil {
		delay = c.of.delay()
	}
	c.of.mu.Unlock()
	time.Sleep(delay)
	return c.Conn.Write(b)
}

func (c *testConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.conns, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

func logEntry(index uint64, data []byte) *raft.Log {
	return &raft.Log{Index: index, Term: 1, Type: raft.LogCommand, Data: data}
}

func readCloser(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }
