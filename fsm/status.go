package fsm

import "pipelinedht/partition"

// Status is what /dht/raft shows.
type Status struct {
	State       string             `json:"state"` // follower, candidate, leader, shutdown
	Term        uint64             `json:"term"`
	Leader      *partition.NodeID  `json:"leader"` // null: none known
	Voters      []partition.NodeID `json:"voters"`
	Nonvoters   []partition.NodeID `json:"nonvoters"`
	LastIndex   uint64             `json:"last_index"`
	CommitIndex uint64             `json:"commit_index"`
	Applied     uint64             `json:"applied_index"`
	// LastContact: milliseconds since the leader was heard; 0 on the leader, null
	// where it never was.
	LastContact *int64 `json:"last_contact_ms"`
}
