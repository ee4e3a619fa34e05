package transport_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"pipelinedht/partition"
	"pipelinedht/transport"
)

// handler is a Handler made of functions; those that are nil do nothing.
type handler struct {
	message func(from partition.NodeID, inc partition.Incarnation, lane transport.Lane, body []byte)
	call    func(from partition.NodeID, lane transport.Lane, body []byte, reply func([]byte))
	visit   func(ctx context.Context, from transport.Identity, body []byte) []byte
	refused func(peer partition.NodeID)
	lost    func(peer partition.NodeID)
}

func (h *handler) Message(from partition.NodeID, inc partition.Incarnation, lane transport.Lane, body []byte) {
	if h.message != nil {
		h.message(from, inc, lane, body)
	}
}

func (h *handler) Call(from partition.NodeID, lane transport.Lane, body []byte, reply func([]byte)) {
	if h.call == nil {
		reply(body)
		return
	}
	h.call(from, lane, body, reply)
}

func (h *handler) Visit(ctx context.Context, from transport.Identity, body []byte) []byte {
	if h.visit == nil {
		return body
	}
	return h.visit(ctx, from, body)
}

func (h *handler) Refused(peer partition.NodeID) {
	if h.refused != nil {
		h.refused(peer)
	}
}

func (h *handler) Lost(peer partition.NodeID) {
	if h.lost != nil {
		h.lost(peer)
	}
}

// book tells the nodes of a test each other's addresses, as the map would.
type book struct {
	mu      sync.Mutex
	entries map[partition.NodeID]transport.Identity
}

func newBook() *book { return &book{entries: make(map[partition.NodeID]transport.Identity)} }

func (b *book) set(id transport.Identity) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries[id.Node] = id
}

func (b *book) resolve(id partition.NodeID) (string, partition.Incarnation, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.entries[id]
	return e.Address, e.Incarnation, ok
}

const testCluster partition.ClusterID = 0xc1

// node is a Transport behind an HTTP server of its own.
type node struct {
	*transport.Transport
	id        transport.Identity
	addresses *book
	server    *http.Server
}

// startNode starts node number id on the loopback interface and puts it into the
// book. edit, if not nil, changes its Config first.
func startNode(t testing.TB, b *book, id partition.NodeID, h *handler, edit func(*transport.Config)) *node {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveNode(t, b, l, id, h, edit)
}

func serveNode(t testing.TB, b *book, l net.Listener, id partition.NodeID, h *handler, edit func(*transport.Config)) *node {
	t.Helper()
	cfg := transport.Config{
		Self:    transport.Identity{Cluster: testCluster, Node: id, Incarnation: 1, Address: l.Addr().String()},
		Resolve: b.resolve,
		Handler: h,
	}
	if edit != nil {
		edit(&cfg)
	}
	n := &node{Transport: transport.New(cfg), id: cfg.Self, addresses: b}
	mux := http.NewServeMux()
	mux.Handle(transport.Path, n.Transport)
	n.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		n.server.Serve(l)
	}()
	t.Cleanup(func() {
		n.stop()
		<-served
	})
	b.set(cfg.Self)
	return n
}

// stop ends the node as a killed process would; it may be called twice.
func (n *node) stop() {
	n.server.Close()
	n.Transport.Close()
}

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// sendUntilTaken sends again and again until a connection is there to take it.
func sendUntilTaken(t testing.TB, n *node, to partition.NodeID, lane transport.Lane, bodies ...[]byte) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !n.Send(to, lane, bodies...) {
		if time.Now().After(deadline) {
			t.Fatalf("send from %v to %v on %v: not taken", n.id.Node, to, lane)
		}
		// A call on the same lane waits for the connection that Send wants.
		n.Call(testContext(t), to, lane, nil)
	}
}

func numbered(i int) []byte { return fmt.Appendf(nil, "%08d", i) }

// echo answers every call with the same value.
func echo(value []byte) func(partition.NodeID, transport.Lane, []byte, func([]byte)) {
	return func(_ partition.NodeID, _ transport.Lane, _ []byte, reply func([]byte)) { reply(value) }
}
