package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

const (
	// raftBacklog is how many accepted Raft streams may wait for Accept; what
	// comes beyond is refused.
	raftBacklog = 64
	// raftStreams is how many streams are accepted from one peer; of more, the
	// one unused for longest is closed. Raft pools a few, and keeps them open
	// unused for any time: closing these earlier would cost it an election.
	raftStreams = 16
	// raftWriteTime bounds a write to an accepted stream, for which Raft sets no
	// deadline.
	raftWriteTime = 10 * time.Second
)

// raftKeepAlive notices a peer that is gone for good on a stream that Raft only
// reads from, without a deadline.
var raftKeepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// StreamLayer returns what carries Raft's own transport. A raft.ServerAddress is
// the form of a NodeID that its String method gives. Its Close refuses further
// streams; open ones end with the Transport.
func (t *Transport) StreamLayer() raft.StreamLayer { return t.streams }

type streamLayer struct {
	t       *Transport
	backlog chan *raftStream
	closed  chan struct{}
	once    sync.Once // closes closed
}

func newStreamLayer(t *Transport) *streamLayer {
	return &streamLayer{t: t, backlog: make(chan *raftStream, raftBacklog), closed: make(chan struct{})}
}

// Accept returns the next stream that a peer opened.
func (l *streamLayer) Accept() (net.Conn, error) {
	select {
	case s := <-l.backlog:
		return s, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and has further streams refused.
func (l *streamLayer) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is this node's id.
func (l *streamLayer) Addr() net.Addr { return raftAddr(l.t.cfg.Self.Node.String()) }

type raftAddr string

func (raftAddr) Network() string  { return "dht" }
func (a raftAddr) String() string { return string(a) }

// Dial opens a stream to the node whose id the address is.
func (l *streamLayer) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	id, err := partition.ParseNodeID(string(address))
	if err != nil {
		return nil, err
	}
	if !l.t.begin() {
		return nil, ErrClosed
	}
	defer l.t.running.Done()
	ctx, cancel := context.WithTimeout(l.t.ctx, timeout)
	defer cancel()
	s, err := l.t.dialPeer(ctx, id, kindRaft)
	if err != nil {
		return nil, fmt.Errorf("raft stream to %v: %w", id, err)
	}
	r, err := l.wrap(s, false)
	if err != nil {
		hangUp(s)
		return nil, fmt.Errorf("raft stream to %v: %w", id, err)
	}
	return r, nil
}

// admit hands an accepted stream to Accept.
func (l *streamLayer) admit(s *stream, begin func() error) error {
	select {
	case <-l.closed:
		return errBusy
	default:
	}
	if len(l.backlog) == cap(l.backlog) {
		return errBusy
	}
	r, err := l.wrap(s, true)
	if err != nil {
		return errBusy
	}
	if idlest := l.t.peers.addRaft(r); idlest != nil {
		idlest.Close()
	}
	if err := begin(); err != nil {
		r.Close()
		return err
	}
	select {
	case l.backlog <- r:
		return nil
	default:
		r.Close()
		return errors.New("raft accepts no more streams")
	}
}

// raftStream is a connection that carries bytes of Raft.
type raftStream struct {
	net.Conn
	t        *Transport
	remote   Identity
	accepted bool
	used     atomic.Int64 // when it last read or wrote something; Unix nanoseconds
	once     sync.Once    // closes it
}

func (l *streamLayer) wrap(s *stream, accepted bool) (*raftStream, error) {
	if len(s.begun) > 0 {
		return nil, errors.New("raft stream: the peer spoke first")
	}
	inner := s.Conn
	if wrapped, ok := inner.(interface{ NetConn() net.Conn }); ok {
		inner = wrapped.NetConn()
	}
	if tcp, ok := inner.(interface {
		SetKeepAliveConfig(net.KeepAliveConfig) error
	}); ok {
		tcp.SetKeepAliveConfig(raftKeepAlive)
	}
	r := &raftStream{Conn: s.Conn, t: l.t, remote: s.remote, accepted: accepted}
	r.touch()
	if !l.t.track(r, accepted) {
		return nil, ErrClosed
	}
	return r, nil
}

func (r *raftStream) touch() { r.used.Store(time.Now().UnixNano()) }

func (r *raftStream) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.touch()
	return n, err
}

func (r *raftStream) Write(p []byte) (int, error) {
	if r.accepted {
		r.Conn.SetWriteDeadline(time.Now().Add(raftWriteTime))
	}
	r.touch()
	return r.Conn.Write(p)
}

func (r *raftStream) close(error) { r.Close() }

func (r *raftStream) Close() error {
	r.once.Do(func() {
		hangUp(r.Conn)
		r.t.untrack(r)
		if r.accepted {
			r.t.peers.removeRaft(r)
		}
	})
	return nil
}
