package httpapi

import (
	"context"
	"errors"

	"pipelinedht/partition"
)

// Cluster is the life of this node among its peers, behind /dht.
type Cluster interface {
	// Peers returns the names of all peers, this node's own first, the others
	// sorted. The caller does not edit it.
	Peers() []string

	// Join leaves the present cluster, if there are others in it, and joins the
	// one that the first usable contact belongs to; it returns once the data is
	// rebalanced and this node's own data is in. When ctx ends it stops waiting;
	// what was begun is finished, or undone, all the same.
	//
	// Errors: ErrJoin, ErrConflict, and partition's ErrUnavailable (nothing
	// changed) and ErrUnknown. The text says where this node stands.
	Join(ctx context.Context, contacts []Contact) (JoinReport, error)

	// Leave leaves the present cluster; it returns once the others are stable
	// and this node stands alone, at once if it does already. ctx and errors
	// are as with Join.
	Leave(ctx context.Context) error

	// Forget removes a peer that is gone for good, by name or id. Where it alone
	// has what was written to some partitions it is refused, unless loseData gives
	// that up: those partitions begin anew, empty.
	//
	// Errors: ErrNoPeer, ErrConflict, and partition's ErrUnavailable (nothing
	// changed) and ErrUnknown.
	Forget(ctx context.Context, name string, loseData bool) (ForgetReport, error)

	// Raft, Status: what /dht/raft and /dht/status print as JSON.
	Raft() any
	Status() any

	// Ring returns the map that this node goes by, nil before it has one.
	Ring() *partition.Map

	// Serving returns nil if this node answers requests for keys, else why not.
	Serving() error

	// Ready returns nil if the node serves, has caught up since its start, and is
	// not about to stop: the moment to send it clients, and to stop another one.
	// Else the error says what it waits for.
	Ready() error
}

// Contact is one entry of a join list.
type Contact struct {
	Name    string // of the peer; empty if not known
	Address string // host:port, an IPv6 host in brackets
}

// JoinReport says what a join did.
type JoinReport struct {
	// AlreadyMember: a contact is a peer of the own cluster; nothing changed.
	AlreadyMember bool
	// Imported counts the keys that this node brought along and that are in the
	// cluster now; Lost those where the cluster had a later write.
	Imported, Lost int
	// Waiting counts the partitions that cannot be served, because only peers that
	// are away have what was written to them.
	Waiting int
}

// ForgetReport says what became of a peer that was to be forgotten.
type ForgetReport struct {
	Peer partition.Peer // as it was
	Lost int            // partitions whose data were given up
	Gone bool           // it is no peer any more; else it goes when its copies are elsewhere
}

// Errors of a Cluster. The message behind them is what the user reads.
var (
	// ErrJoin: the join list cannot be used as it is (answered with 400). Nothing
	// changed; correct the list.
	ErrJoin = errors.New("join refused")
	// ErrConflict: the cluster as it stands forbids what was asked: a name is
	// taken, another protocol version, a last copy would go (answered with 409).
	// Nothing changed; the text names the remedy.
	ErrConflict = errors.New("conflict")
	// ErrNoPeer: no peer has that name (answered with 404). Nothing changed.
	ErrNoPeer = errors.New("unknown peer")
)
