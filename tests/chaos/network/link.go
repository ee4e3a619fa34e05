package network

import (
	"net"
	"sync"
	"time"
)

const (
	chunkBytes = 32 << 10
	// chunks is how many chunks may be on their way in one direction; a sender
	// beyond it waits, as with any connection.
	chunks = 64
)

// link is one connection from one node to another.
type link struct {
	network  *Proxies
	from, to string // "": not known, which no rule is for
	kind     string
	in, out  net.Conn // of from, of to

	once  sync.Once
	ended chan struct{} // closed by close
}

// chunk is bytes on their way.
type chunk struct {
	data []byte // nil: the end of what is sent
	at   time.Time
}

// close ends the connection at once, on both sides.
func (l *link) close() {
	l.once.Do(func() {
		close(l.ended)
		abort(l.in)
		abort(l.out)
	})
}

// carry carries both directions until both have ended; begun was read already.
func (l *link) carry(begun []byte) {
	var running sync.WaitGroup
	there, back := make(chan chunk, chunks), make(chan chunk, chunks)
	there <- chunk{begun, time.Now()}
	running.Go(func() { l.receive(l.in, there) })
	running.Go(func() { l.receive(l.out, back) })
	running.Go(func() { l.send(l.out, Way{l.from, l.to}, there) })
	running.Go(func() { l.send(l.in, Way{l.to, l.from}, back) })
	running.Wait()
}

// receive reads what one side sends until it ends.
func (l *link) receive(src net.Conn, to chan<- chunk) {
	for {
		buf := make([]byte, chunkBytes)
		n, err := src.Read(buf)
		if n > 0 && !l.push(to, chunk{buf[:n], time.Now()}) {
			return
		}
		if err != nil {
			l.push(to, chunk{nil, time.Now()})
			return
		}
	}
}

func (l *link) push(to chan<- chunk, c chunk) bool {
	select {
	case to <- c:
		return true
	case <-l.ended:
		return false
	}
}

// send writes what goes one way to the other side, as the network's rules have
// it. The end of what is sent goes the same way: who waits behind a hold does not
// learn that the other side is gone.
func (l *link) send(dst net.Conn, way Way, from <-chan chunk) {
	for {
		var c chunk
		select {
		case c = <-from:
		case <-l.ended:
			return
		}
		if !l.pass(way, c.at) {
			return
		}
		if c.data == nil {
			if tcp, ok := dst.(*net.TCPConn); ok && tcp.CloseWrite() == nil {
				return
			}
			l.close()
			return
		}
		if _, err := dst.Write(c.data); err != nil {
			l.close()
			return
		}
	}
}

// pass waits until what was sent at a time may arrive; false: the link has ended.
func (l *link) pass(way Way, sent time.Time) bool {
	for {
		rule, changed := l.network.rule(way, l.kind)
		wait := time.Until(sent.Add(rule.Delay))
		if !rule.Hold && wait <= 0 {
			return true
		}
		var due <-chan time.Time
		if !rule.Hold {
			due = time.After(wait)
		}
		select {
		case <-due:
			return true
		case <-changed:
		case <-l.ended:
			return false
		}
	}
}
