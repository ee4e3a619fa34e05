package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
)

// PeerPath is where nodes connect to each other, by an HTTP/1.1 Upgrade.
const PeerPath = "/dht/peer"

// Config of a Server.
type Config struct {
	Name    string // of this node
	Table   Table
	Cluster Cluster
	// Peer takes the requests to PeerPath and hijacks their connections; nil:
	// there is no such route.
	Peer   http.Handler
	Limits Limits
	// Registry that the Server adds its collectors to and prints at /metrics;
	// nil: one of its own.
	Registry *prometheus.Registry
	Logger   *slog.Logger // nil: slog.Default()
}

// Server answers the HTTP requests of one node.
type Server struct {
	name    string
	table   Table
	cluster Cluster
	peer    http.Handler
	limits  Limits
	log     *slog.Logger

	http    *http.Server
	router  *mux.Router
	metrics *metrics
	conns   *connections
	slots   *room     // requests with the Table
	bodies  *memory   // bytes of large values on their way in
	answers *memory   // and on their way out
	ready   *pressure // of requests
	bulk    *pressure // of pieces of large values
	running *gate     // handlers

	draining atomic.Bool // answers end their connections
	stopping atomic.Bool // no more connections are taken

	listening sync.Mutex    // guards the following
	listener  net.Listener  // nil before Serve
	served    chan struct{} // closed when Serve returns

	ownName []string                    // header value
	version atomic.Pointer[versionText] // the ring version last printed

	cancel context.CancelCauseFunc // of every request's context
}

// errClosed is the cause that ends the requests in flight when a Server is closed.
var errClosed = errors.New("the node is stopping")

// New returns a Server that has not started yet. Its ServeHTTP may be used
// without Serve, in tests above all.
func New(cfg Config) *Server {
	s := &Server{
		name:    cfg.Name,
		table:   cfg.Table,
		cluster: cfg.Cluster,
		peer:    cfg.Peer,
		limits:  cfg.Limits.WithDefaults(),
		log:     cfg.Logger,
		ownName: []string{cfg.Name},
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	registry := cfg.Registry
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	s.slots = newRoom(s.limits.Requests, s.limits.RoomWait)
	s.bodies = newMemory(s.limits.BodyBytes, s.limits.RoomWait)
	s.answers = newMemory(s.limits.AnswerBytes, s.limits.RoomWait)
	s.ready = newPressure(readyRequests, s.limits.RoomWait)
	s.bulk = newPressure(readyPieces, s.limits.RoomWait)
	s.running = newGate()
	s.conns = newConnections(s.limits.Connections, s.limits.Stall)
	s.metrics = newMetrics(registry, s.conns)
	s.router = s.routes(registry)

	base, cancel := context.WithCancelCause(context.Background())
	s.cancel = cancel
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.limits.HeaderTimeout,
		ReadTimeout:       s.limits.BodyTimeout,
		WriteTimeout:      s.limits.AnswerTimeout,
		IdleTimeout:       s.limits.IdleTimeout,
		MaxHeaderBytes:    s.limits.HeaderBytes,
		ConnContext:       withConnection,
		ConnState:         s.conns.changed,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	return s
}

// Serve answers requests from ln until Shutdown or Close, and then returns nil.
// It closes ln. It is called once at most.
func (s *Server) Serve(ln net.Listener) error {
	s.listening.Lock()
	s.listener, s.served = ln, make(chan struct{})
	s.listening.Unlock()
	defer close(s.served)
	if err := s.http.Serve(listener{ln, s.conns}); !errors.Is(err, http.ErrServerClosed) && !s.stopping.Load() {
		return err
	}
	return nil
}

// stopListening takes no more connections, and returns once those that were taken
// are known. Its error is that of closing the listener.
func (s *Server) stopListening() error {
	s.stopping.Store(true)
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.listener == nil {
		return nil
	}
	err := s.listener.Close()
	<-s.served
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

var closeConnection = []string{"close"}

// Drain has every answer from now on end its connection, so that clients go
// elsewhere before Shutdown cuts them off.
func (s *Server) Drain() { s.draining.Store(true) }

// Shutdown takes no more connections, waits for the requests under way until ctx
// ends, cuts those that are left, and returns once no handler runs. It waits a
// moment for clients that have just connected and not yet asked, and for none that
// has nothing under way. Connections that Config.Peer has hijacked are not its
// business.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.stopListening()
	s.conns.hearOut(ctx)
	return errors.Join(err, s.http.Shutdown(ctx), s.Close())
}

// Close cuts every request under way and returns once no handler runs.
func (s *Server) Close() error {
	s.cancel(errClosed)
	err := s.http.Close()
	s.running.close()
	s.ready.close()
	s.bulk.close()
	s.conns.close()
	return err
}
