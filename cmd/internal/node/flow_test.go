package node

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// window is how many bytes may be on their way in one direction of a connection.
const window = 64 << 10

// flow is one direction of a connection. The network's mutex guards it.
type flow struct {
	route   route
	packets []packet
	size    int           // of the packets
	end     error         // what the reader gets after the packets; nil while there may be more
	deaf    bool          // nobody reads any more
	changed chan struct{} // closed, and replaced, when something has changed
}

type packet struct {
	due   time.Time
	bytes []byte
}

func newFlow(from, to string) *flow {
	return &flow{route: route{from, to}, changed: make(chan struct{})}
}

func (f *flow) wakeLocked() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// resetLocked breaks the flow, for both its ends.
func (f *flow) resetLocked() {
	f.packets, f.size, f.end, f.deaf = nil, 0, syscall.ECONNRESET, true
	f.wakeLocked()
}

// hangUpLocked closes one end: what it has sent still arrives.
func (k *link) hangUpLocked(out, in *flow) {
	if out.end == nil {
		out.end = io.EOF
		out.wakeLocked()
	}
	in.packets, in.size, in.deaf = nil, 0, true
	in.wakeLocked()
}

// conn is one end of a link.
type conn struct {
	nw      *network
	station *station
	link    *link
	in, out *flow
	// Guarded by nw.mu.
	closed      bool
	readBefore  time.Time
	writeBefore time.Time
}

func newConn(nw *network, s *station, k *link, in, out *flow) *conn {
	return &conn{nw: nw, station: s, link: k, in: in, out: out}
}

// Read is net.Conn's.
func (c *conn) Read(b []byte) (int, error) {
	for {
		c.nw.mu.Lock()
		n, due, err := c.takeLocked(b)
		changed, before := c.in.changed, c.readBefore
		c.nw.mu.Unlock()
		if n > 0 || err != nil {
			return n, err
		}
		wait(changed, before, due)
	}
}

// takeLocked moves what has arrived into b. If nothing has, due is when something
// will; zero where that is not known.
func (c *conn) takeLocked(b []byte) (n int, due time.Time, err error) {
	f := c.in
	switch {
	case c.closed || c.station.dead:
		return 0, due, net.ErrClosed
	case expired(c.readBefore):
		return 0, due, os.ErrDeadlineExceeded
	case f.end == syscall.ECONNRESET:
		return 0, due, f.end
	case c.nw.heldLocked(f.route):
		return 0, due, nil
	case len(f.packets) == 0:
		return 0, due, f.end
	case time.Now().Before(f.packets[0].due):
		return 0, f.packets[0].due, nil
	}
	for n < len(b) && len(f.packets) > 0 && !time.Now().Before(f.packets[0].due) {
		p := &f.packets[0]
		moved := copy(b[n:], p.bytes)
		n, f.size, p.bytes = n+moved, f.size-moved, p.bytes[moved:]
		if len(p.bytes) == 0 {
			f.packets = f.packets[1:]
		}
	}
	if n > 0 && f.size < window && f.size+n >= window {
		f.wakeLocked()
	}
	return n, due, nil
}

// Write is net.Conn's.
func (c *conn) Write(b []byte) (n int, err error) {
	c.nw.mu.Lock()
	sending := c.nw.sending
	c.nw.mu.Unlock()
	if sending != nil {
		sending(c.station.address)
	}
	for {
		c.nw.mu.Lock()
		moved, err := c.putLocked(b[n:])
		changed, before := c.out.changed, c.writeBefore
		c.nw.mu.Unlock()
		n += moved
		if n == len(b) || err != nil {
			return n, err
		}
		wait(changed, before, time.Time{})
	}
}

// putLocked sends as much of b as there is room for.
func (c *conn) putLocked(b []byte) (int, error) {
	f := c.out
	switch {
	case c.closed || c.station.dead:
		return 0, net.ErrClosed
	case expired(c.writeBefore):
		return 0, os.ErrDeadlineExceeded
	case f.end == syscall.ECONNRESET:
		return 0, f.end
	case f.deaf && !c.nw.heldLocked(f.route) && !c.nw.heldLocked(c.in.route):
		return 0, syscall.ECONNRESET
	}
	n := min(len(b), window-f.size)
	if n == 0 {
		return 0, nil
	}
	due := c.nw.dueLocked(f.route)
	if last := len(f.packets) - 1; last >= 0 && due.Before(f.packets[last].due) {
		due = f.packets[last].due
	}
	f.packets = append(f.packets, packet{due, append([]byte(nil), b[:n]...)})
	f.size += n
	f.wakeLocked()
	return n, nil
}

// wait waits until changed, or until one of two times, where they are not zero.
func wait(changed <-chan struct{}, times ...time.Time) {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if first.IsZero() {
		<-changed
		return
	}
	timer := time.NewTimer(time.Until(first))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}

func expired(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }

// Close is net.Conn's.
func (c *conn) Close() error {
	c.nw.mu.Lock()
	defer c.nw.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	c.link.hangUpLocked(c.out, c.in)
	if c.in.end != nil {
		delete(c.nw.links, c.link)
	}
	return nil
}

// LocalAddr is net.Conn's.
func (c *conn) LocalAddr() net.Addr { return address(c.out.route.from) }

// RemoteAddr is net.Conn's.
func (c *conn) RemoteAddr() net.Addr { return address(c.out.route.to) }

// SetDeadline is net.Conn's.
func (c *conn) SetDeadline(t time.Time) error {
	return c.setDeadlines(&t, &t)
}

// SetReadDeadline is net.Conn's.
func (c *conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(&t, nil) }

// SetWriteDeadline is net.Conn's.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(nil, &t) }

func (c *conn) setDeadlines(read, write *time.Time) error {
	c.nw.mu.Lock()
	defer c.nw.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if read != nil {
		c.readBefore = *read
		c.in.wakeLocked()
	}
	if write != nil {
		c.writeBefore = *write
		c.out.wakeLocked()
	}
	return nil
}
