package fsm

import (
	"context"

	"pipelinedht/partition"
)

// Raft is this node's part in the cluster's Raft group, and its view of the map.
type Raft struct{}

// Open starts the node: from Dir if there is a state, else as founder of a new
// cluster, else as one that waits to be added by its leader.
func Open(cfg Config) (*Raft, error) { panic("in work") }

// Close stops everything that Open started and waits for it.
func (r *Raft) Close() error { panic("in work") }

// Map returns the map as this node has applied it; nil until there is one. It
// may be older than other nodes' maps, and, until Up returns, older than the one
// this node had before it was restarted.
func (r *Raft) Map() *partition.Map { panic("in work") }

// Watch returns a channel that is closed at the next change of the map. Take it
// before Map, act, and call it again.
func (r *Raft) Watch() <-chan struct{} { panic("in work") }

// Up returns once this node's map has it as a peer in its present incarnation
// and address, proposing PeerUp as needed. Until then nothing of the map may be
// acted on. ErrStale: somebody runs under this id with a higher incarnation.
func (r *Raft) Up(ctx context.Context) error { panic("in work") }

// ChangeCopies proposes changes of rows, each judged alone. Nil: their outcome
// is known and the map has it. An error means that ctx ended before.
func (r *Raft) ChangeCopies(ctx context.Context, changes []partition.Change) error { panic("in work") }

// AddPeer makes the joiner a peer. Repeated, it succeeds without change.
func (r *Raft) AddPeer(ctx context.Context, j Joiner) error { panic("in work") }

// AbortJoin bars a join id for ever, or says ErrJoined: the joiner is a peer.
func (r *Raft) AbortJoin(ctx context.Context, joinID uint64) error { panic("in work") }

// ImportDone takes the importing mark off this node.
func (r *Raft) ImportDone(ctx context.Context) error { panic("in work") }

// Departing bars AddPeer while this cluster's only node joins another.
func (r *Raft) Departing(ctx context.Context, joinID uint64) error { panic("in work") }

// Stay lifts Departing of the same join id.
func (r *Raft) Stay(ctx context.Context, joinID uint64) error { panic("in work") }

// RemovePeer marks a peer leaving; it is dropped with its last copy.
func (r *Raft) RemovePeer(ctx context.Context, id partition.NodeID) error { panic("in work") }

// HandleCall answers another node's Caller.Call. It may block for up to a second.
func (r *Raft) HandleCall(ctx context.Context, from partition.NodeID, body []byte) []byte {
	panic("in work")
}

// Ask asks another node whether about is still a member.
func (r *Raft) Ask(ctx context.Context, node, about partition.NodeID) (Standing, error) {
	panic("in work")
}

// Dropped reports whether this node was a peer and is none any more, by its own
// map or by the word of any other peer, and the map version that says so.
func (r *Raft) Dropped(ctx context.Context) (partition.Version, bool) { panic("in work") }

// Leader returns the Raft leader, if one is known.
func (r *Raft) Leader() (partition.NodeID, bool) { panic("in work") }

// TransferLeadership returns once this node does not lead.
func (r *Raft) TransferLeadership(ctx context.Context) error { panic("in work") }

// Withdraw makes the node's coming stop harmless to Raft: it hands over the
// leadership, and, of two voters, gives up its vote.
func (r *Raft) Withdraw(ctx context.Context) error { panic("in work") }

// Status of the Raft node, for people.
func (r *Raft) Status() Status { panic("in work") }
