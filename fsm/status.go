package fsm

import (
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

// Status is what /dht/raft shows.
type Status struct {
	State        string             `json:"state"` // follower, candidate, leader or shutdown
	Term         uint64             `json:"term"`
	Leader       *partition.NodeID  `json:"leader"` // null: none known
	Voters       []partition.NodeID `json:"voters"`
	Nonvoters    []partition.NodeID `json:"nonvoters"`
	LastIndex    uint64             `json:"last_index"`
	CommitIndex  uint64             `json:"commit_index"`
	AppliedIndex uint64             `json:"applied_index"`
	// LastContact: milliseconds since the leader was heard; 0 on the leader, null
	// where it never was.
	LastContact *int64 `json:"last_contact_ms"`
}

// Status returns where this node's Raft stands, for people.
func (r *Raft) Status() Status {
	state := r.raft.State()
	s := Status{
		State:        strings.ToLower(state.String()),
		Term:         r.raft.CurrentTerm(),
		Voters:       []partition.NodeID{},
		Nonvoters:    []partition.NodeID{},
		LastIndex:    r.raft.LastIndex(),
		CommitIndex:  r.raft.CommitIndex(),
		AppliedIndex: r.raft.AppliedIndex(),
	}
	if leader, ok := r.Leader(); ok {
		s.Leader = &leader
	}
	for _, server := range r.servers() {
		if server.voter {
			s.Voters = append(s.Voters, server.id)
		} else {
			s.Nonvoters = append(s.Nonvoters, server.id)
		}
	}
	if at := r.raft.LastContact(); state == raft.Leader {
		s.LastContact = new(int64)
	} else if !at.IsZero() {
		ms := time.Since(at).Milliseconds()
		s.LastContact = &ms
	}
	return s
}
