package transport

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

// Path is where ServeHTTP is mounted on every node's HTTP server.
const Path = "/dht/peer"

var (
	ErrNotSent  = errors.New("not sent")
	ErrLost     = errors.New("connection lost, the call may have been carried out")
	ErrTooLarge = errors.New("body too large for the lane")
	ErrClosed   = errors.New("transport closed")
)

// Refusal is a peer's answer to a handshake that it turns down.
type Refusal struct {
	Status int
	Reason string
}

func (r *Refusal) Error() string { return r.Reason }

type Config struct {
	Self   Identity
	Secret string
	Dial   func(ctx context.Context, address string) (net.Conn, error)
	// Resolve returns a peer's address as the map has it, and the incarnation
	// that gave it.
	Resolve   func(partition.NodeID) (address string, inc partition.Incarnation, ok bool)
	Handler   Handler
	Logger    *slog.Logger
	KeepAlive time.Duration
}

type Handler interface {
	Message(from partition.NodeID, inc partition.Incarnation, lane Lane, body []byte)
	Call(from partition.NodeID, lane Lane, body []byte, reply func(body []byte))
	Visit(ctx context.Context, from Identity, body []byte) []byte
	Refused(peer partition.NodeID)
	Lost(peer partition.NodeID)
}

type Transport struct{}

func New(c Config) *Transport { return &Transport{} }

func (t *Transport) Send(to partition.NodeID, lane Lane, bodies ...[]byte) bool { return false }
func (t *Transport) Call(ctx context.Context, to partition.NodeID, lane Lane, body []byte) ([]byte, error) {
	return nil, ErrNotSent
}
func (t *Transport) Visit(ctx context.Context, address string, body []byte) (Identity, []byte, error) {
	return Identity{}, nil, ErrNotSent
}
func (t *Transport) ServeHTTP(w http.ResponseWriter, r *http.Request) {}
func (t *Transport) StreamLayer() raft.StreamLayer                    { return nil }
func (t *Transport) Heard(peer partition.NodeID) (address string, inc partition.Incarnation, ok bool) {
	return "", 0, false
}
func (t *Transport) Close() error { return nil }

// Target returns the node that a handshake is for; visit: any node.
func Target(r *http.Request) (node partition.NodeID, visit bool) { return 0, false }
