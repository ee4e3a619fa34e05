package harness

import (
	"encoding/json"
	"fmt"
)

// RaftStatus is where a node's Raft stands, as far as GET /dht/raft is read here.
type RaftStatus struct {
	State  string   `json:"state"`  // leader, follower, candidate or shutdown
	Leader string   `json:"leader"` // a node id; "": none known
	Voters []string `json:"voters"`
}

// RaftStatus asks the node where its Raft stands.
func (c *Client) RaftStatus() (*RaftStatus, error) {
	a, err := c.Do("GET", "/dht/raft", nil)
	if err != nil {
		return nil, err
	}
	var s RaftStatus
	if err := json.Unmarshal([]byte(a.Body), &s); err != nil {
		return nil, fmt.Errorf("GET /dht/raft: %w", err)
	}
	return &s, nil
}
