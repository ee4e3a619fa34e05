package fsm

import (
	"context"
	"errors"
	"slices"

	"pipelinedht/partition"
)

// Every proposal below waits until its outcome is known; see propose for its
// errors. A Refusal means that nothing was changed.

// Up returns once this node's map has it as a peer in its present incarnation
// and address, proposing PeerUp as needed. Until then nothing of the map may be
// acted on, as it may be older than what this node acted on before a restart.
// ErrStale: somebody runs under this id with a higher incarnation.
func (r *Raft) Up(ctx context.Context) error {
	for {
		changed := r.Watch()
		if m := r.Map(); m != nil {
			p, ok := m.Peer(r.cfg.Self)
			switch {
			case ok && p.Incarnation > r.cfg.Incarnation:
				return ErrStale
			case ok && p.Incarnation == r.cfg.Incarnation && p.Address == r.cfg.Address:
				return nil
			case ok:
				if err := r.propose(ctx, &peerUp{address: r.cfg.Address}); err != nil {
					return err
				}
				continue
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.closing:
			return ErrClosed
		}
	}
}

// ChangeCopies proposes changes of rows, each judged alone: one that is void
// leaves its row as it is. Nil means that their outcome is known, and this
// node's map has it. An error means that ctx ended before; then the outcome
// becomes known with that of the next proposal.
func (r *Raft) ChangeCopies(ctx context.Context, changes []partition.Change) error {
	for part := range slices.Chunk(changes, maxChanges) {
		var refused Refusal
		if err := r.propose(ctx, &changeCopies{changes: part}); err != nil && !errors.As(err, &refused) {
			return err
		}
	}
	return nil
}

// AddPeer makes the joiner a peer, importing. Repeated with the same ids it
// succeeds without change. Refusals: ErrInvalid, ErrNameTaken, ErrIDTaken,
// ErrBarred, ErrDeparting.
func (r *Raft) AddPeer(ctx context.Context, j Joiner) error {
	if j.Stamp == 0 {
		j.Stamp = partition.Stamp(r.cfg.Clock().UnixMicro())
	}
	return r.propose(ctx, &addPeer{id: j.ID, joinID: j.JoinID, stamp: j.Stamp, name: j.Name, address: j.Address})
}

// AbortJoin bars a join id for ever, whether or not anybody ever used it. ErrJoined:
// the joiner is a peer; it must go on, or leave.
func (r *Raft) AbortJoin(ctx context.Context, joinID uint64) error {
	return r.propose(ctx, &abortJoin{joinID: joinID})
}

// ImportDone takes the importing mark off this node.
func (r *Raft) ImportDone(ctx context.Context) error { return r.propose(ctx, &importDone{}) }

// Departing bars AddPeer while this cluster's only node joins another cluster
// under joinID. Refusals: ErrNotAlone; ErrDeparting, under another join id.
func (r *Raft) Departing(ctx context.Context, joinID uint64) error {
	return r.propose(ctx, &departing{joinID: joinID})
}

// Stay lifts Departing of the same join id. ErrDeparting: another one stands.
func (r *Raft) Stay(ctx context.Context, joinID uint64) error {
	return r.propose(ctx, &stay{joinID: joinID})
}

// RemovePeer marks a peer leaving; it is dropped with its last copy. Refusals:
// ErrUnknownPeer, also if it has been dropped; ErrLastPeer; ErrLastCopy.
func (r *Raft) RemovePeer(ctx context.Context, id partition.NodeID) error {
	return r.propose(ctx, &removePeer{id: id})
}

// ForgetPeer has a peer dropped that is gone for good; with giveUp also if there is
// something that it alone has, which then begins anew, empty. Refusals:
// ErrUnknownPeer; ErrNotDown: it is heard; ErrLastPeer; ErrLastCopy, without giveUp.
func (r *Raft) ForgetPeer(ctx context.Context, id partition.NodeID, giveUp bool) error {
	return r.propose(ctx, &forgetPeer{id: id, giveUp: giveUp})
}
