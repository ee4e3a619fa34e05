package node

import (
	"fmt"
	"slices"

	"pipelinedht/partition"
	"pipelinedht/partition/host"
)

// Peers returns the names of all peers, this node's own first, the others sorted.
func (n *Node) Peers() []string {
	l := n.life()
	names := []string{n.cfg.Name}
	m := l.raft.Load().Map()
	if m == nil {
		return names
	}
	for _, p := range m.Peers {
		if p.Name != n.cfg.Name {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names[1:])
	return slices.Compact(names)
}

// Ring returns the map that this node goes by, nil before it has one.
func (n *Node) Ring() *partition.Map { return n.life().raft.Load().Map() }

// Raft returns the status of the current life's Raft node.
func (n *Node) Raft() any { return n.life().raft.Load().Status() }

// Serving returns nil if requests are served, else why not.
func (n *Node) Serving() error {
	if reason := n.gate.standing(); reason != "" {
		return fmt.Errorf("%w: %s", partition.ErrUnavailable, reason)
	}
	return nil
}

// Ready returns nil if this node serves and has had all its copies in sync since
// it started, and is not about to stop; else why not.
func (n *Node) Ready() error {
	if err := n.Serving(); err != nil {
		return err
	}
	switch {
	case n.stopping.Load():
		return errClosed
	case !n.life().caughtUp():
		return fmt.Errorf("%w: the node serves, but its own copies are still catching up", partition.ErrUnavailable)
	}
	return n.spaceError()
}

// status is what /dht/status shows.
type status struct {
	Name        string                `json:"name"`
	Address     string                `json:"address"`
	Node        partition.NodeID      `json:"node"`
	Cluster     partition.ClusterID   `json:"cluster"`
	Incarnation partition.Incarnation `json:"incarnation"`
	Version     partition.Version     `json:"version"`
	Standalone  bool                  `json:"standalone"`
	Settled     bool                  `json:"settled"` // the whole cluster, as this node's map has it
	Serving     bool                  `json:"serving"`
	Waiting     string                `json:"waiting,omitempty"` // why it is not serving
	Change      string                `json:"change,omitempty"`  // joining, importing, leaving
	Import      *progress             `json:"import,omitempty"`
	Copies      *host.Status          `json:"copies,omitempty"`
	// Unserved counts the partitions whose in-sync copies are all with peers that
	// are away.
	Unserved int          `json:"unserved,omitempty"`
	Peers    []peerStatus `json:"peers,omitempty"`
	Disk     *diskSpace   `json:"disk,omitempty"` // absent in memory
}

// Status returns what is to be known about this node.
func (n *Node) Status() any {
	l, stored := n.life(), n.stored()
	s := status{
		Name:        n.cfg.Name,
		Address:     n.address,
		Node:        l.record.Node,
		Cluster:     l.record.Cluster,
		Incarnation: l.record.Incarnation,
		Waiting:     n.gate.standing(),
		Disk:        n.disk.space.Load(),
	}
	s.Serving = s.Waiting == ""
	switch {
	case stored.Join != nil:
		s.Change = "joining"
	case stored.Leave != nil:
		s.Change = "leaving"
	case stored.Import != nil:
		s.Change = "importing"
	}
	if imports := n.imports.Load(); imports != nil {
		p := imports.progress()
		s.Import = &p
	}
	if m := l.raft.Load().Map(); m != nil {
		s.Version, s.Standalone, s.Settled = m.Version, len(m.Peers) == 1, m.Settled()
		s.Unserved, s.Peers = withAway(m), peerStatuses(m)
	}
	if h := l.host.Load(); h != nil {
		copies := h.Status()
		s.Copies = &copies
	}
	return s
}
