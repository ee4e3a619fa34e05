package transport_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// pipeNet is a network inside a synctest bubble: what is dialled at an address
// arrives, over net.Pipe, at who listens there. It can lose connections, and let
// what is sent on them vanish.
type pipeNet struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener
	conns     map[*pipeConn]bool
	refusing  atomic.Bool // nobody is reached
}

func newPipeNet() *pipeNet {
	return &pipeNet{listeners: make(map[string]*pipeListener), conns: make(map[*pipeConn]bool)}
}

func (n *pipeNet) listen(address string) net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &pipeListener{net: n, address: pipeAddr(address), queue: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[address] = l
	return l
}

// dial is for Config.Dial.
func (n *pipeNet) dial(ctx context.Context, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[address]
	n.mu.Unlock()
	if l == nil || n.refusing.Load() {
		return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
	}
	here, there := net.Pipe()
	mine, theirs := &pipeConn{Conn: here, net: n}, &pipeConn{Conn: there, net: n}
	n.mu.Lock()
	n.conns[mine], n.conns[theirs] = true, true
	n.mu.Unlock()
	select {
	case l.queue <- theirs:
		return mine, nil
	case <-l.closed:
	case <-ctx.Done():
	}
	mine.Close()
	theirs.Close()
	return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
}

// each calls f with all open connections, both ends of each.
func (n *pipeNet) each(f func(*pipeConn)) {
	n.mu.Lock()
	conns := make([]*pipeConn, 0, len(n.conns))
	for c := range n.conns {
		conns = append(conns, c)
	}
	n.mu.Unlock()
	for _, c := range conns {
		f(c)
	}
}

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }

type pipeListener struct {
	net     *pipeNet
	address pipeAddr
	queue   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *pipeListener) Addr() net.Addr { return l.address }

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.net.mu.Lock()
		defer l.net.mu.Unlock()
		if l.net.listeners[string(l.address)] == l {
			delete(l.net.listeners, string(l.address))
		}
	})
	return nil
}

type pipeConn struct {
	net.Conn
	net  *pipeNet
	hole atomic.Bool // what is written vanishes
}

func (c *pipeConn) Write(p []byte) (int, error) {
	if c.hole.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *pipeConn) Close() error {
	c.net.mu.Lock()
	delete(c.net.conns, c)
	c.net.mu.Unlock()
	return c.Conn.Close()
}
