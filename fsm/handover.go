package fsm

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

// ErrNoSuccessor: no other voter is alive that could lead.
var ErrNoSuccessor = errors.New("no other voter to hand the leadership to")

const (
	// handOverTimeout is how long one candidate has to take the leadership, and how
	// long one is looked for.
	handOverTimeout = 2 * electionTimeout
	// lookEvery is how often a node that steps aside looks whether it may.
	lookEvery = 50 * time.Millisecond
)

// TransferLeadership returns nil once this node does not lead, handing over to
// the voter with the longest log first, then to the next, until ctx ends.
func (r *Raft) TransferLeadership(ctx context.Context) error {
	for last := time.Now(); r.raft.State() == raft.Leader; {
		successors := r.successors()
		if len(successors) > 0 {
			last = time.Now()
		} else if time.Since(last) > handOverTimeout {
			return ErrNoSuccessor
		} else if err := r.wait(ctx, nil, lookEvery); err != nil {
			return err
		}
		for _, id := range successors {
			leaders := r.leaders.next()
			if r.raft.State() != raft.Leader {
				return nil
			}
			if !r.wire.contacts.inherits(serverID(id)) {
				continue // somebody else hands over to it
			}
			r.raft.LeadershipTransferToServer(serverID(id), serverAddress(id))
			if err := r.wait(ctx, leaders, handOverTimeout); err != nil {
				return err
			}
			if r.raft.State() != raft.Leader {
				return nil
			}
		}
	}
	return nil
}

// successors returns the voters that were heard lately, may inherit and do not leave,
// the one with the longest log first.
func (r *Raft) successors() []partition.NodeID {
	m := r.Map()
	var ids []partition.NodeID
	reach := make(map[partition.NodeID]uint64)
	for _, s := range r.servers() {
		at, lastLog := r.wire.contacts.last(serverID(s.id))
		if s.id == r.cfg.Self || !s.voter || time.Since(at) > downAfter || m == nil || !r.wire.contacts.mayInherit(serverID(s.id)) {
			continue
		}
		if p, ok := m.Peer(s.id); ok && p.State != partition.Leaving && !r.withdrawn.has(p) {
			ids, reach[s.id] = append(ids, s.id), lastLog
		}
	}
	slices.SortStableFunc(ids, func(a, b partition.NodeID) int {
		switch {
		case reach[a] > reach[b]:
			return -1
		case reach[a] < reach[b]:
			return 1
		}
		return 0
	})
	return ids
}

// Withdraw makes this node's coming stop harmless to Raft: it hands over the
// leadership, and where there are two voters it gives up its vote, so that the
// other can go on alone. It is promoted no more. It stays a peer. In a cluster of its
// own it does nothing; ErrNoSuccessor: no other voter is alive.
func (r *Raft) Withdraw(ctx context.Context) error {
	r.withdrawn.add(r.cfg.Self, r.cfg.Incarnation)
	told := false // the leader, for long enough that a promotion before that would show
	for {
		voters, mine, others := r.votes()
		if !others || !mine && told {
			return nil
		}
		leaders, pause := r.leaders.next(), lookEvery
		if r.raft.State() == raft.Leader {
			if err := r.TransferLeadership(ctx); err != nil {
				return err
			}
		} else if leader, ok := r.Leader(); ok {
			p, err := r.call(ctx, leader, request{kind: askWithdraw, incarnation: r.cfg.Incarnation})
			told = err == nil && p.taken
			switch {
			case told && mine && voters != 2:
				return nil
			case told && !mine:
				pause = dutyEvery
			}
		} else if !mine {
			return nil
		}
		if err := r.wait(ctx, leaders, pause); err != nil {
			return err
		}
	}
}

// votes returns how many voters there are, whether this node is one, and whether there
// are other servers.
func (r *Raft) votes() (voters int, mine, others bool) {
	for _, s := range r.servers() {
		if s.voter {
			voters++
		}
		if s.id == r.cfg.Self {
			mine = s.voter
		} else {
			others = true
		}
	}
	return voters, mine, others
}

// noteWithdrawal takes down, on the leader, that a node is about to stop.
func (r *Raft) noteWithdrawal(id partition.NodeID, inc partition.Incarnation) bool {
	if r.raft.State() != raft.Leader {
		return false
	}
	r.withdrawn.add(id, inc)
	return true
}

// wait waits for a change of leader or for d to pass; ctx and Close end it with
// an error.
func (r *Raft) wait(ctx context.Context, leaders <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-leaders:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.closing:
		return ErrClosed
	}
	return nil
}
