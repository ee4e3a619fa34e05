package node

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// network connects the nodes of one test in memory. A connection can be cut, and
// two nodes can be kept apart.
type network struct {
	mu        sync.Mutex
	listeners map[string]*listener        // keyed by address
	links     map[*link]bool              // open
	apart     map[[2]string]bool          // pairs of addresses that nothing passes between
	stalled   map[[2]string]chan struct{} // pairs whose bytes do not get on; closed at the end of it
	latency   time.Duration               // the longest that a write takes
	// sending, if set, is called before a node writes to a connection; an error
	// is the write's.
	sending func(from string) error
}

// link is one connection, from the node at one address to that at another.
type link struct {
	from, to string
	ends     [2]net.Conn
}

func newNetwork() *network {
	return &network{
		listeners: make(map[string]*listener),
		links:     make(map[*link]bool),
		apart:     make(map[[2]string]bool),
		stalled:   make(map[[2]string]chan struct{}),
	}
}

// onSend has f called before a node writes to a connection.
func (nw *network) onSend(f func(from string) error) {
	nw.mu.Lock()
	defer nw.mu.Unlock()
	nw.sending = f
}

// slow has every write take up to latency.
func (nw *network) slow(latency time.Duration) {
	nw.mu.Lock()
	defer nw.mu.Unlock()
	nw.latency = latency
}

// listen opens address.
func (nw *network) listen(address string) *listener {
	nw.mu.Lock()
	defer nw.mu.Unlock()
	l := &listener{nw: nw, address: address, arrived: make(chan net.Conn), closed: make(chan struct{})}
	nw.listeners[address] = l
	return l
}

// dialer returns how the node at an address reaches others.
func (nw *network) dialer(from string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, to string) (net.Conn, error) {
		nw.mu.Lock()
		l := nw.listeners[to]
		apart := nw.apart[pair(from, to)]
		nw.mu.Unlock()
		switch {
		case apart:
			<-ctx.Done()
			return nil, ctx.Err()
		case l == nil:
			return nil, &net.OpError{Op: "dial", Net: "mem", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		here, there := net.Pipe()
		k := &link{from: from, to: to, ends: [2]net.Conn{here, there}}
		select {
		case l.arrived <- newConn(there, nw, k, to):
		case <-l.closed:
			return nil, &net.OpError{Op: "dial", Net: "mem", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		nw.mu.Lock()
		nw.links[k] = true
		nw.mu.Unlock()
		return newConn(here, nw, k, from), nil
	}
}

// cut breaks the open connections that which picks, and returns their number.
func (nw *network) cut(which func(from, to string) bool) int {
	nw.mu.Lock()
	defer nw.mu.Unlock()
	n := 0
	for k := range nw.links {
		if which(k.from, k.to) {
			delete(nw.links, k)
			k.ends[0].Close()
			k.ends[1].Close()
			n++
		}
	}
	return n
}

// part keeps two nodes apart until the returned function is called.
func (nw *network) part(a, b string) (heal func()) {
	nw.mu.Lock()
	nw.apart[pair(a, b)] = true
	nw.mu.Unlock()
	nw.cut(func(from, to string) bool { return pair(from, to) == pair(a, b) })
	return func() {
		nw.mu.Lock()
		defer nw.mu.Unlock()
		delete(nw.apart, pair(a, b))
	}
}

// stall holds back what two nodes send each other, without a word to them, until
// the returned function is called.
func (nw *network) stall(a, b string) (heal func()) {
	nw.mu.Lock()
	defer nw.mu.Unlock()
	if nw.stalled[pair(a, b)] != nil {
		return func() {}
	}
	stalled := make(chan struct{})
	nw.stalled[pair(a, b)] = stalled
	return func() {
		nw.mu.Lock()
		defer nw.mu.Unlock()
		delete(nw.stalled, pair(a, b))
		close(stalled)
	}
}

func pair(a, b string) [2]string { return [2]string{min(a, b), max(a, b)} }

// conn is one end of a link.
type conn struct {
	net.Conn
	nw    *network
	link  *link
	owner string // address of the node that has this end

	once   sync.Once
	closed chan struct{}
}

func newConn(end net.Conn, nw *network, k *link, owner string) *conn {
	return &conn{Conn: end, nw: nw, link: k, owner: owner, closed: make(chan struct{})}
}

func (c *conn) Write(b []byte) (int, error) {
	c.nw.mu.Lock()
	sending, latency := c.nw.sending, c.nw.latency
	c.nw.mu.Unlock()
	if latency > 0 {
		time.Sleep(rand.N(latency))
	}
	if sending != nil {
		if err := sending(c.owner); err != nil {
			return 0, err
		}
	}
	for {
		c.nw.mu.Lock()
		stalled := c.nw.stalled[pair(c.link.from, c.link.to)]
		c.nw.mu.Unlock()
		if stalled == nil {
			return c.Conn.Write(b)
		}
		select {
		case <-stalled:
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	c.nw.mu.Lock()
	delete(c.nw.links, c.link)
	c.nw.mu.Unlock()
	return c.Conn.Close()
}

// listener is a net.Listener in a network.
type listener struct {
	nw      *network
	address string
	arrived chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.arrived:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listener. It may be called more than once; again it says so.
func (l *listener) Close() error {
	err := error(net.ErrClosed)
	l.once.Do(func() {
		err = nil
		close(l.closed)
		l.nw.mu.Lock()
		defer l.nw.mu.Unlock()
		if l.nw.listeners[l.address] == l {
			delete(l.nw.listeners, l.address)
		}
	})
	return err
}

func (l *listener) Addr() net.Addr { return address(l.address) }

type address string

func (address) Network() string  { return "mem" }
func (a address) String() string { return string(a) }
