package partition

import (
	"fmt"
	"slices"
	"sort"
)

// PeerState says what the cluster thinks of a peer. Safety never rests on it: it
// steers status and planning only.
type PeerState uint8

const (
	// Active: the peer answers heartbeats.
	Active PeerState = iota
	// Down: the peer is silent; its copies keep their places for a while.
	Down
	// Replaced: down for longer than --replace-after; targets are planned
	// without it until it comes back.
	Replaced
	// Leaving: the peer was removed and goes once it holds no copy.
	Leaving
)

// String returns the word that JSON uses.
func (s PeerState) String() string { return peerStates[s] }

var peerStates = [...]string{Active: "active", Down: "down", Replaced: "replaced", Leaving: "leaving"}

// MarshalText writes the form of String.
func (s PeerState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a word that MarshalText writes.
func (s *PeerState) UnmarshalText(text []byte) error {
	i := slices.Index(peerStates[:], string(text))
	if i < 0 {
		return fmt.Errorf("peer state %q is none of %q", text, peerStates)
	}
	*s = PeerState(i)
	return nil
}

// Peer is a node in the map.
type Peer struct {
	ID          NodeID      `json:"id"`
	Name        string      `json:"name"`
	Address     string      `json:"address"` // host:port
	Incarnation Incarnation `json:"incarnation"`
	State       PeerState   `json:"state"`
	Importing   bool        `json:"importing,omitempty"` // what it brought is not all in yet
	JoinID      uint64      `json:"join_id,omitempty"`   // of the AddPeer that brought it; 0 for the founder
	UpAt        Version     `json:"up_at"`               // ring version of its last PeerUp (AddPeer and bootstrap count)
	// Silent: the peer is leaving and is not heard. What it alone has waits for it,
	// or for an operator's word that it is lost.
	Silent bool `json:"silent,omitempty"`
}

// Settings of a cluster, fixed when it is born.
type Settings struct {
	Partitions int    `json:"partitions"` // Q, 1 to 65,536
	Replicas   int    `json:"replicas"`   // R, copies wanted of each partition, 1 to 7
	Hash       string `json:"hash"`       // "xxhash64"
}

// Row is one partition in the table. Its slices are never edited in place.
type Row struct {
	Epoch     Epoch    `json:"epoch"`
	Term      Term     `json:"term"`
	Primary   NodeID   `json:"primary"`
	InSync    []NodeID `json:"in_sync"` // Invariant: contains Primary; ascending
	Target    []NodeID `json:"target"`  // preferred primary first
	MinInSync int      `json:"min_in_sync"`
	// Born is the ring version at which the partition's data were given up and it
	// began anew, empty; 0: they never were. A copy from before is void.
	Born Version `json:"born,omitempty"`
}

// HasCopy reports whether node is in the in-sync set or the target.
func (r *Row) HasCopy(node NodeID) bool {
	return slices.Contains(r.InSync, node) || slices.Contains(r.Target, node)
}

// Settled reports whether the in-sync set is the target and the primary the
// preferred one.
func (r *Row) Settled() bool {
	if len(r.InSync) != len(r.Target) || len(r.Target) == 0 || r.Primary != r.Target[0] {
		return false
	}
	for _, n := range r.Target {
		if !slices.Contains(r.InSync, n) {
			return false
		}
	}
	return true
}

// Map is what Raft agrees on. A published Map is immutable.
type Map struct {
	Cluster   ClusterID `json:"cluster"`
	Settings  Settings  `json:"settings"`
	Version   Version   `json:"version"`
	Stamp     Stamp     `json:"stamp"`               // primaries give stamps above this one; set by the founding and by AddPeer
	Departing uint64    `json:"departing,omitempty"` // join id under which this cluster's last node joins another; 0: none
	Peers     []Peer    `json:"peers"`               // ascending by ID
	Table     []Row     `json:"table"`               // indexed by ID
}

// Peer returns the peer with that id.
func (m *Map) Peer(id NodeID) (Peer, bool) {
	i := sort.Search(len(m.Peers), func(i int) bool { return m.Peers[i].ID >= id })
	if i < len(m.Peers) && m.Peers[i].ID == id {
		return m.Peers[i], true
	}
	return Peer{}, false
}

// PeerNamed returns the peer with that name that is not leaving, else one that is.
func (m *Map) PeerNamed(name string) (Peer, bool) {
	var found Peer
	ok := false
	for _, p := range m.Peers {
		if p.Name == name && (!ok || found.State == Leaving) {
			found, ok = p, true
		}
	}
	return found, ok
}

// Importing reports whether any peer is importing: deletes leave tombstones then.
func (m *Map) Importing() bool {
	return slices.ContainsFunc(m.Peers, func(p Peer) bool { return p.Importing })
}

// Wanted returns how many copies each partition should have: min(R, peers that
// are not leaving), the down ones counted.
func (m *Map) Wanted() int {
	n := 0
	for _, p := range m.Peers {
		if p.State != Leaving {
			n++
		}
	}
	return min(m.Settings.Replicas, n)
}

// Settled reports whether every partition's in-sync set is its target and no
// peer is on its way in or out.
func (m *Map) Settled() bool {
	for _, p := range m.Peers {
		if p.Importing || p.State == Leaving {
			return false
		}
	}
	for i := range m.Table {
		if !m.Table[i].Settled() {
			return false
		}
	}
	return true
}

// Holds reports whether node is in any in-sync set or target.
func (m *Map) Holds(node NodeID) bool {
	for i := range m.Table {
		if m.Table[i].HasCopy(node) {
			return true
		}
	}
	return false
}

// Away reports whether the peer serves nothing at present: it is not heard, or is
// none any more.
func (m *Map) Away(id NodeID) bool {
	p, ok := m.Peer(id)
	return !ok || p.State == Down || p.State == Replaced || p.Silent
}

// OnlyWith returns the partitions whose acknowledged writes that peer alone has, as
// far as anybody is to come back: it is in their in-sync sets, and with it at most
// peers that were removed and are not heard.
func (m *Map) OnlyWith(id NodeID) []ID {
	lost := make(map[NodeID]bool)
	for _, p := range m.Peers {
		lost[p.ID] = p.ID == id || p.Silent
	}
	var only []ID
	for i := range m.Table {
		in := m.Table[i].InSync
		if slices.Contains(in, id) && !slices.ContainsFunc(in, func(id NodeID) bool { return !lost[id] }) {
			only = append(only, ID(i))
		}
	}
	return only
}

// Change is a proposed new primary and in-sync set of one partition, void unless
// the partition's epoch is still Epoch. NewTerm begins a new term even though the
// primary stays.
type Change struct {
	Partition ID
	Epoch     Epoch
	Primary   NodeID
	InSync    []NodeID // ascending
	NewTerm   bool
}
