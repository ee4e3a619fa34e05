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

// network connects the nodes of one test in memory as TCP would: what a node
// writes is on its way in order, in a buffer with a bound, and arrives some time
// later, or never if the connection breaks before.
type network struct {
	mu       sync.Mutex
	stations map[string]*station     // of the processes that run, keyed by address
	links    map[*link]bool          // with an end that is open
	held     map[route]int           // how many faults hold what goes that way
	moved    chan struct{}           // closed, and replaced, when something in held is healed
	delays   map[route]time.Duration // the longest that bytes are on their way
	latency  time.Duration           // where delays say nothing
	// sending, if set, is called before a node writes to a connection.
	sending func(from string)
}

// route is one direction between two addresses; "" stands for every other one.
type route struct{ from, to string }

// link is one connection, from the node at one address to that at another.
type link struct {
	from, to string
	there    *flow // from the dialler
	back     *flow
}

func newNetwork() *network {
	return &network{
		stations: make(map[string]*station),
		links:    make(map[*link]bool),
		held:     make(map[route]int),
		moved:    make(chan struct{}),
		delays:   make(map[route]time.Duration),
	}
}

// station is one process on the network. When it is killed it is silent for ever,
// whatever its goroutines still do.
type station struct {
	nw      *network
	address string
	arrived chan net.Conn
	once    sync.Once
	closed  chan struct{} // when it does not listen any more
	dead    bool          // guarded by nw.mu
}

// station opens address for a process that starts.
func (nw *network) station(address string) *station {
	nw.mu.Lock()
	defer nw.mu.Unlock()
	s := &station{nw: nw, address: address, arrived: make(chan net.Conn), closed: make(chan struct{})}
	nw.stations[address] = s
	return s
}

// onSend has f called before a node writes to a connection.
func (nw *network) onSend(f func(from string)) {
	nw.mu.Lock()
	defer nw.mu.Unlock()
	nw.sending = f
}

// slow has everything take up to latency.
func (nw *network) slow(latency time.Duration) {
	nw.mu.Lock()
	defer nw.mu.Unlock()
	nw.latency = latency
}

// delay has what one node sends another take up to latency, until healed.
func (nw *network) delay(from, to string, latency time.Duration) (heal func()) {
	nw.mu.Lock()
	defer nw.mu.Unlock()
	nw.delays[route{from, to}] = latency
	return func() {
		nw.mu.Lock()
		defer nw.mu.Unlock()
		delete(nw.delays, route{from, to})
	}
}

// dueLocked returns when something sent now arrives.
func (nw *network) dueLocked(r route) time.Time {
	latency := nw.latency
	if d, ok := nw.delays[r]; ok {
		latency = d
	}
	if latency == 0 {
		return time.Now()
	}
	return time.Now().Add(rand.N(latency))
}

// hold keeps what one node sends another on its way, without a word to either,
// until healed: then it arrives, if the connection is still there. "" for either
// of them holds for all others.
func (nw *network) hold(from, to string) (heal func()) {
	nw.mu.Lock()
	defer nw.mu.Unlock()
	r := route{from, to}
	nw.held[r]++
	return func() {
		nw.mu.Lock()
		defer nw.mu.Unlock()
		nw.held[r]--
		close(nw.moved)
		nw.moved = make(chan struct{})
		for k := range nw.links {
			k.there.wakeLocked()
			k.back.wakeLocked()
		}
	}
}

func (nw *network) heldLocked(r route) bool {
	return r.from != r.to && nw.held[r]+nw.held[route{r.from, ""}]+nw.held[route{"", r.to}] > 0
}

// stall holds both ways between two nodes, or between one and all others.
func (nw *network) stall(a, b string) (heal func()) {
	there, back := nw.hold(a, b), nw.hold(b, a)
	return func() {
		there()
		back()
	}
}

// part is stall, and breaks their connections: they are told.
func (nw *network) part(a, b string) (heal func()) {
	heal = nw.stall(a, b)
	nw.cut(func(from, to string) bool {
		return (route{from, to}).between(a, b)
	})
	return heal
}

func (r route) between(a, b string) bool {
	is := func(x, want string) bool { return want == "" || x == want }
	return is(r.from, a) && is(r.to, b) || is(r.from, b) && is(r.to, a)
}

// cut breaks the open connections that which picks, with all that is on its way,
// and returns their number.
func (nw *network) cut(which func(from, to string) bool) int {
	nw.mu.Lock()
	defer nw.mu.Unlock()
	n := 0
	for k := range nw.links {
		if which(k.from, k.to) {
			nw.resetLocked(k)
			n++
		}
	}
	return n
}

func (nw *network) resetLocked(k *link) {
	delete(nw.links, k)
	k.there.resetLocked()
	k.back.resetLocked()
}

// kill ends the process at an address, if one runs: what it has sent arrives, and
// then the others are told that it is gone.
func (nw *network) kill(address string) {
	nw.mu.Lock()
	s := nw.stations[address]
	if s == nil {
		nw.mu.Unlock()
		return
	}
	s.dead = true
	for k := range nw.links {
		if k.from == address {
			k.hangUpLocked(k.there, k.back)
		}
		if k.to == address {
			k.hangUpLocked(k.back, k.there)
		}
	}
	nw.mu.Unlock()
	s.Close()
}

// lose ends the process at an address together with its machine: nothing more of
// it arrives, and nobody is told before it is back.
func (nw *network) lose(address string) (back func()) {
	heal := nw.stall(address, "")
	nw.kill(address)
	return func() {
		nw.cut(func(from, to string) bool { return from == address || to == address })
		heal()
	}
}

// dial is how the process reaches others.
func (s *station) dial(ctx context.Context, to string) (net.Conn, error) {
	if err := s.passes(ctx, to); err != nil {
		return nil, err
	}
	k, target := s.link(to)
	if k == nil {
		return nil, errRefused
	}
	select {
	case target.arrived <- newConn(s.nw, target, k, k.there, k.back):
		return newConn(s.nw, s, k, k.back, k.there), nil
	case <-target.closed:
	case <-ctx.Done():
	}
	s.nw.mu.Lock()
	s.nw.resetLocked(k)
	s.nw.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, errRefused
}

var errRefused = &net.OpError{Op: "dial", Net: "mem", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

// passes waits until something gets to the other one and back.
func (s *station) passes(ctx context.Context, to string) error {
	for {
		s.nw.mu.Lock()
		held := s.nw.heldLocked(route{s.address, to}) || s.nw.heldLocked(route{to, s.address})
		moved := s.nw.moved
		s.nw.mu.Unlock()
		if !held {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// link returns a new link to the process at an address; nil if there is none.
func (s *station) link(to string) (*link, *station) {
	s.nw.mu.Lock()
	defer s.nw.mu.Unlock()
	target := s.nw.stations[to]
	if s.dead || target == nil || target.dead {
		return nil, nil
	}
	k := &link{from: s.address, to: to, there: newFlow(s.address, to), back: newFlow(to, s.address)}
	s.nw.links[k] = true
	return k, target
}

// Accept is net.Listener's.
func (s *station) Accept() (net.Conn, error) {
	select {
	case c := <-s.arrived:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listening. It may be called more than once; again it says so.
func (s *station) Close() error {
	err := error(net.ErrClosed)
	s.once.Do(func() {
		err = nil
		close(s.closed)
		s.nw.mu.Lock()
		defer s.nw.mu.Unlock()
		if s.nw.stations[s.address] == s {
			delete(s.nw.stations, s.address)
		}
	})
	return err
}

// Addr is net.Listener's.
func (s *station) Addr() net.Addr { return address(s.address) }

type address string

func (address) Network() string  { return "mem" }
func (a address) String() string { return string(a) }
