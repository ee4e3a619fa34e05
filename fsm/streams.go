package fsm

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

var errStreamsClosed = errors.New("raft streams closed")

// streams is a raft.StreamLayer that knows its open connections and closes them
// with itself: Raft's own transport leaves those open that it accepted or pooled.
type streams struct {
	raft.StreamLayer

	mu     sync.Mutex // guards what follows
	open   map[*stream]struct{}
	closed bool
}

func newStreams(s raft.StreamLayer) *streams {
	return &streams{StreamLayer: s, open: make(map[*stream]struct{})}
}

// Accept implements net.Listener.
func (s *streams) Accept() (net.Conn, error) { return s.track(s.StreamLayer.Accept()) }

// Dial implements raft.StreamLayer.
func (s *streams) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	return s.track(s.StreamLayer.Dial(address, timeout))
}

func (s *streams) track(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.Join(errStreamsClosed, c.Close())
	}
	t := &stream{Conn: c, of: s}
	s.open[t] = struct{}{}
	return t, nil
}

// Close closes the listener and all connections.
func (s *streams) Close() error {
	err := s.StreamLayer.Close()
	s.mu.Lock()
	open := s.open
	s.open, s.closed = nil, true
	s.mu.Unlock()
	for c := range open {
		c.Conn.Close()
	}
	return err
}

// stream is one connection.
type stream struct {
	net.Conn
	of *streams
}

// Close implements net.Conn.
func (c *stream) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
