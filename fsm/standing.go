package fsm

import (
	"context"

	"pipelinedht/partition"
)

// standing returns what this node knows of another one's membership.
func (r *Raft) standing(about partition.NodeID) Standing {
	state := r.machine.state.Load()
	s := Standing{Cluster: r.cfg.Cluster, Gone: state.isGone(about)}
	if m := state.Map; m != nil {
		s.Version = m.Version
		_, s.Peer = m.Peer(about)
	}
	for _, server := range r.servers() {
		s.Server = s.Server || server.id == about
	}
	return s
}

// Ask asks another node whether about is a member, as far as it knows.
func (r *Raft) Ask(ctx context.Context, node, about partition.NodeID) (Standing, error) {
	if node == r.cfg.Self {
		return r.standing(about), nil
	}
	p, err := r.call(ctx, node, request{kind: askStanding, about: about})
	return p.standing, err
}

// Dropped reports whether this node was a peer and is none any more, and a map
// version at which that was so: by its own state, or by the word of any peer that
// its map names, which a node that Raft no longer talks to must rely on. It asks
// one after the other, each for up to a second.
func (r *Raft) Dropped(ctx context.Context) (partition.Version, bool) {
	if own := r.standing(r.cfg.Self); own.Gone {
		return own.Version, true
	}
	m := r.Map()
	if m == nil {
		return 0, false
	}
	for _, p := range m.Peers {
		if p.ID == r.cfg.Self {
			continue
		}
		if s, err := r.Ask(ctx, p.ID, r.cfg.Self); err == nil && s.Cluster == r.cfg.Cluster && s.Gone {
			return s.Version, true
		}
	}
	return 0, false
}
