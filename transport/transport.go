package transport

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"pipelinedht/partition"
)

// Path is where ServeHTTP is mounted on every node's HTTP server.
const Path = "/dht/peer"

// Config of a Transport.
type Config struct {
	// Self is who this node is, in one membership of one cluster: a Transport
	// serves no other. Its Node and Cluster are not zero.
	Self Identity
	// Secret, if not empty, must be known to every node that connects.
	Secret string
	// Dial opens a connection to host:port. Nil: TCP, without TLS.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Resolve returns a peer's address as the map has it, and the incarnation
	// that gave it. Required; it must not block.
	Resolve func(partition.NodeID) (address string, inc partition.Incarnation, ok bool)
	Handler Handler      // required
	Logger  *slog.Logger // nil: none
	// KeepAlive is how often an idle connection shows that it lives; one that
	// is silent for three to four times as long is closed. The same on all nodes.
	// 0: 1 s.
	KeepAlive time.Duration
	// RequestBytes bounds the requests of peers that have no reply yet; what
	// comes beyond is turned down, and ErrNotSent to its sender. Each counts a
	// KiB and its body. 0: 256 MiB.
	RequestBytes int64
	// FrameBytes bounds the memory of large frames that are not whole yet; the
	// connections with more wait. 0: 256 MiB; never less than Bulk.MaxBody.
	FrameBytes int64
}

// Handler is what a Transport tells. Its methods are called from many goroutines;
// those of one connection one after another. None may call Close.
type Handler interface {
	// Message takes a one-way message. Those of one peer on one lane come in
	// the order sent. It must not block: the connection waits for it. The body
	// is the handler's to keep.
	Message(from partition.NodeID, inc partition.Incarnation, lane Lane, body []byte)
	// Call takes a request. It must not block: what may is done elsewhere, and
	// reply called from there. reply is called exactly once, however late (more
	// calls are ignored), and copies or keeps its body as Send does. The body is the
	// handler's to keep.
	Call(from partition.NodeID, lane Lane, body []byte, reply func(body []byte))
	// Visit answers a question of a node that need not be of this cluster. It
	// may take its time; ctx ends when the visitor has gone.
	Visit(ctx context.Context, from Identity, body []byte) []byte
	// Refused is called when nobody listens at the peer's address: its process
	// is gone, as far as one can tell. Neither it nor Lost may block.
	Refused(peer partition.NodeID)
	// Lost is called when a connection with the peer that carried messages or
	// calls, to it or from it, is closed, and before anything is delivered
	// from the one that follows.
	Lost(peer partition.NodeID)
}

// Transport connects one node to the others. See the package comment.
type Transport struct {
	cfg     Config
	began   time.Time
	ctx     context.Context // ends with Close
	end     context.CancelCauseFunc
	running sync.WaitGroup
	peers   peerTable
	serials atomic.Uint64 // given to dials
	streams *streamLayer

	requests  atomic.Int64        // bytes that count towards Config.RequestBytes
	large     *semaphore.Weighted // bytes, Config.FrameBytes in all
	idleCalls sync.Pool           // of *call, each with an empty result channel

	mu       sync.Mutex
	closed   bool
	open     map[closer]bool // all connections; true: accepted
	accepted int             // how many of them are
	visitors int             // how many of those are visits
	greeting int             // handshakes under way at ServeHTTP
}

// New returns a Transport. It starts nothing: connections come with the first
// Send, Call or request to ServeHTTP.
func New(cfg Config) *Transport {
	if cfg.Dial == nil {
		var d net.Dialer
		cfg.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", address)
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.KeepAlive == 0 {
		cfg.KeepAlive = time.Second
	}
	if cfg.RequestBytes == 0 {
		cfg.RequestBytes = 256 << 20
	}
	if cfg.FrameBytes == 0 {
		cfg.FrameBytes = 256 << 20
	}
	cfg.FrameBytes = max(cfg.FrameBytes, int64(Bulk.MaxBody()))
	t := &Transport{
		cfg:   cfg,
		began: time.Now(),
		large: semaphore.NewWeighted(cfg.FrameBytes),
		open:  make(map[closer]bool),
	}
	t.ctx, t.end = context.WithCancelCause(context.Background())
	t.streams = newStreamLayer(t)
	return t
}

// Close closes all connections and waits until no Handler method runs and no
// goroutine is left. What is not yet written is lost.
func (t *Transport) Close() error {
	t.mu.Lock()
	t.closed = true
	open := make([]closer, 0, len(t.open))
	for c := range t.open {
		open = append(open, c)
	}
	t.mu.Unlock()
	t.end(ErrClosed)
	t.streams.Close()
	for _, c := range open {
		c.close(ErrClosed)
	}
	t.running.Wait()
	return nil
}
