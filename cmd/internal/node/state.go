package node

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// stateKey is where the store's metadata has the state, as JSON.
const stateKey = "node"

// stateFormat is written with the state; a higher one is from a later release.
const stateFormat = 1

// state is what a node must know after a crash: who it is, and what it was about
// to become. It is written whole, in one synced batch, so every step from one
// cluster to the next happens or does not.
type state struct {
	Format int    `json:"format"`
	Name   string `json:"name"`
	// Latest generation in use so far; none is ever used twice.
	Latest storage.Generation `json:"latest"`
	Life   lifeRecord         `json:"life"`
	Join   *joinIntent        `json:"join,omitempty"`
	Import *importIntent      `json:"import,omitempty"`
	Leave  *leaveIntent       `json:"leave,omitempty"`
	// Recovered are the clusters that were given up for dead with this node's data,
	// so that those of their nodes which return can be told.
	Recovered []partition.ClusterID `json:"recovered,omitempty"`
}

// lifeRecord is one membership of one cluster.
type lifeRecord struct {
	Generation  storage.Generation    `json:"generation"` // also numbers the Raft directory
	Node        partition.NodeID      `json:"node"`
	Cluster     partition.ClusterID   `json:"cluster"`
	Incarnation partition.Incarnation `json:"incarnation"` // of the last start; raised before anything is sent
	// Risen: the life's Raft directory has seen use. Without it the node has
	// forgotten its votes and must not go on under this id.
	Risen    bool               `json:"risen,omitempty"`
	Settings partition.Settings `json:"settings"` // of the cluster
	// Founder is set where the life began as a cluster of one.
	Founder *founder `json:"founder,omitempty"`
}

// founder is how a life begins its own cluster.
type founder struct {
	Stamp partition.Stamp `json:"stamp"` // the cluster's versions are above it
	// Kept: the node has left a cluster, whose copies it may have kept; deletes leave
	// tombstones then, for the way back.
	Kept bool `json:"kept,omitempty"`
	// Halfway is the cluster that the node left in the middle of its import. Any of
	// the node's keys may be there.
	Halfway partition.ClusterID `json:"halfway,omitempty"`
}

// joinIntent is a join that was begun: from here on the target may have added
// Life's node as a peer.
type joinIntent struct {
	ID      uint64     `json:"id"` // join id: the target adds it once, or bars it for ever
	Life    lifeRecord `json:"life"`
	Name    string     `json:"name"`
	Address string     `json:"address"`
	// Stamp S, by the target's clock: the target gives versions above it from
	// AddPeer on, and what this node brings is written at S or below.
	Stamp    partition.Stamp `json:"stamp"`
	Contacts []string        `json:"contacts"` // addresses of the target's peers
}

// importIntent says that an old generation is being brought into the current
// cluster.
type importIntent struct {
	From       storage.Generation `json:"from"`
	Partitions int                `json:"partitions"` // Q of the old generation
	Stamp      partition.Stamp    `json:"stamp"`      // joinIntent.Stamp
	// Into is the cluster that was joined: what came from there stays behind.
	Into partition.ClusterID `json:"into"`
	// Marked: the cluster's map has this node as importing until it is done, and
	// keeps tombstones for as long. Where the mark is gone, all is in. It is false
	// once the node has left the cluster: the import ends in the node's own then.
	Marked bool `json:"marked"`
	// Deletes: an earlier import into that cluster was not finished, so what the node
	// has deleted since may be there.
	Deletes bool `json:"deletes,omitempty"`
}

// leaveIntent is a leave that was begun: these partitions' copies stay here.
type leaveIntent struct {
	Keep []partition.ID `json:"keep"`
}

// meta returns s as the store's metadata has it.
func (s state) meta() map[string][]byte {
	s.Format = stateFormat
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("state %+v has no JSON form: %v", s, err))
	}
	return map[string][]byte{stateKey: b}
}

// alone returns the state of the same node as a cluster of its own. An import that
// is under way ends there.
func (s state) alone(f founder) state {
	s.Leave, s.Join = nil, nil
	s.Latest++
	if s.Import != nil {
		imports := *s.Import
		imports.Marked = false
		s.Import = &imports
		f.Halfway = imports.Into
	}
	s.Life = newFounder(s.Latest, s.Life.Settings, f)
	return s
}

// newFounder returns the record of a life that begins with a cluster of its own.
func newFounder(g storage.Generation, s partition.Settings, f founder) lifeRecord {
	return lifeRecord{
		Generation:  g,
		Node:        partition.NodeID(randomID()),
		Cluster:     partition.ClusterID(randomID()),
		Incarnation: 1,
		Settings:    s,
		Founder:     &f,
	}
}

// randomID returns a number that nobody else has, never 0.
func randomID() uint64 {
	var b [8]byte
	for {
		rand.Read(b[:]) // never fails
		if id := binary.BigEndian.Uint64(b[:]); id != 0 {
			return id
		}
	}
}
