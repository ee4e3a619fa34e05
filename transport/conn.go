package transport

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// conn carries frames between two nodes, from the end of its handshake until it
// is closed. The side that dialled sends messages and calls, the other replies.
type conn struct {
	t       *Transport
	nc      net.Conn
	begun   []byte // already read from nc
	kind    streamKind
	limits  laneLimits
	remote  Identity
	dialled bool
	home    *link // that it is the connection of; nil: accepted, or a visit

	mu       sync.Mutex
	out      outbox
	room     chan struct{}    // closed when out has room again; nil: nobody waits
	writing  bool             // the writer is at work or woken, or a sender writes
	left     unwritten        // for the writer, before what is in out
	idle     [][]byte         // memory for a sender's batch
	batching bool             // the reader will wake the writer when it pauses
	calls    map[uint64]*call // by number; waiting for a reply
	lastCall uint64
	err      error // why it was closed; nil: open

	direct  syscall.RawConn // that a sender may write to; nil: it may not
	wake    chan struct{}   // one token: there is something to write
	ctx     context.Context // ends when it is closed
	end     context.CancelCauseFunc
	stopped chan struct{} // closed when nothing is delivered any more
	// reads and writes are odd while the reader, or the writer, waits for the
	// other end, and change when the wait ends.
	reads, writes atomic.Uint64
	asked         bool // an accepted visit's call has come; the reader's
}

func newConn(t *Transport, s *stream, kind streamKind, dialled bool) *conn {
	lane := Control // its limits hold for visits too
	if kind < lanes {
		lane = Lane(kind)
	}
	c := &conn{
		t: t, nc: s.Conn, begun: s.begun, kind: kind, limits: limits[lane], remote: s.remote, dialled: dialled,
		calls:   make(map[uint64]*call),
		wake:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}
	if sc, ok := s.Conn.(syscall.Conn); ok && dialled {
		c.direct, _ = sc.SyscallConn() // nil if it is closed already
	}
	c.ctx, c.end = context.WithCancelCause(t.ctx)
	return c
}

// settle makes the connection the one that the link sends on, after the messages
// that the link held for it.
func (c *conn) settle(l *link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		if c.out = l.held; c.out.queued > 0 {
			c.wakeLocked()
		}
		l.held = outbox{}
		c.home = l
		l.conn.Store(c)
	}
}

// run reads and writes until the connection is closed.
func (c *conn) run() {
	var others sync.WaitGroup
	others.Go(c.watch)
	others.Go(func() { c.close(c.write()) })
	c.close(c.read())
	others.Wait()
	c.t.ended(c)
	close(c.stopped)
}

// close ends the connection for that reason, unless it is closed already, and
// everything that waits on it. It does not wait for run to return.
func (c *conn) close(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = why
	if c.home != nil {
		c.home.conn.CompareAndSwap(c, nil)
	}
	c.failCallsLocked()
	c.signalRoomLocked()
	c.end(why)
	hangUp(c.nc)
}

// signalRoomLocked wakes the calls that wait for room in the outbox.
func (c *conn) signalRoomLocked() {
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
}

// hangUp closes a connection at once. TLS would wait for room to say goodbye in;
// frames need none, they tell a whole one from a torn one.
func hangUp(nc net.Conn) {
	if wrapped, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = wrapped.NetConn()
	}
	nc.Close()
}

// send takes all the frames to be written or, if they do not fit under limit or
// the connection is closed, none of them. It does not wait.
func (c *conn) send(limit int, frames ...frame) bool {
	n := size(frames)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || !c.out.fits(n, limit) {
		return false
	}
	c.out.add(frames)
	c.wakeLocked()
	return true
}

// batchBytes is how much the reader lets its replies pile up before the writer
// is woken in the middle of a batch.
const batchBytes = 32 << 10

// wakeLocked has the writer write what waits, now or when the reader's batch is
// done.
func (c *conn) wakeLocked() {
	if !c.batching || c.out.queued >= batchBytes {
		c.wakeNowLocked()
	}
}

func (c *conn) wakeNowLocked() {
	if !c.writing {
		c.writing = true
		c.wake <- struct{}{} // has room: the writer took the last token before it cleared writing
	}
}

func (c *conn) String() string {
	direction := "from"
	if c.dialled {
		direction = "to"
	}
	return fmt.Sprintf("%v connection %s node %v at %s", c.kind, direction, c.remote.Node, c.remote.Address)
}
