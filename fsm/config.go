package fsm

import (
	"context"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

// Config of a Raft node. One Raft is one life of a node in one cluster; its id
// and its directory are never used for another.
type Config struct {
	// Cluster is the cluster's id, given to a founder, known to a joiner.
	Cluster partition.ClusterID
	// Self is this node's id in the cluster and its Raft server id.
	Self partition.NodeID
	// Incarnation counts the starts of the node under Self, from 1.
	Incarnation partition.Incarnation
	// Name and Address go into the map with the founding and with PeerUp.
	Name, Address string

	// Dir holds Raft's log, votes and snapshots; it is made if it is not there.
	// Empty: all of that is kept in memory.
	Dir string
	// Founder is non-nil where a new cluster is to be born of this one node. It is
	// ignored where Dir holds a Raft state already.
	Founder *partition.Settings
	// Stamp is the first map's, with Founder: the new cluster's writes are later.
	Stamp partition.Stamp

	// Streams carries Raft's own traffic. A server's address is its id, as
	// NodeID.String writes it. Closed by Close.
	Streams raft.StreamLayer
	// Caller reaches HandleCall of other nodes.
	Caller Caller

	// ReplaceAfter is how long a peer is down before targets are planned without
	// it; 0 means 5 minutes.
	ReplaceAfter time.Duration
	// Clock is read for stamps; nil means time.Now.
	Clock func() time.Time
	// Fatal is told, once, that this node cannot go on: its log cannot be written
	// or read. It should end the process; if it returns, the node applies nothing
	// any more. Nil: panic.
	Fatal func(error)
	// Logger; nil means slog.Default.
	Logger *slog.Logger
}

// Caller sends body to another node of the cluster, whose HandleCall is given it,
// and returns the reply. An error tells nothing about whether it arrived.
type Caller interface {
	Call(ctx context.Context, to partition.NodeID, body []byte) ([]byte, error)
}

// Joiner is a node that asks to become a peer.
type Joiner struct {
	ID      partition.NodeID
	Name    string
	Address string
	JoinID  uint64 // random, not zero: names this attempt
	// Stamp S: the map's stamp rises to it, so that what is written from then on
	// is later than what the joiner imports, at S or below. 0: Config.Clock.
	Stamp partition.Stamp
}

// Standing is one node's word about another.
type Standing struct {
	Cluster partition.ClusterID
	Version partition.Version // of the answering node's map
	Peer    bool              // the other is in that map
	Gone    bool              // the other was a peer and has been dropped, for good
	Server  bool              // the other is in Raft's configuration
}
