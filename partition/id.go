package partition

import (
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// ID numbers a partition, one of Q equal slices of the hash space: 0 to Q-1.
type ID uint32

// Of returns the partition of key among q partitions: xxhash64(key) mod q.
func Of(key []byte, q int) ID { return ID(xxhash.Sum64(key) % uint64(q)) }

// NodeID names one node of one cluster for ever: random, made with the node's
// data, never reused. It is also the node's Raft ServerID. Zero is no node.
type NodeID uint64

// String returns the 16 hex digits that JSON, logs and Raft use.
func (n NodeID) String() string { return fmt.Sprintf("%016x", uint64(n)) }

// MarshalText writes the form of String.
func (n NodeID) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads the form of String.
func (n *NodeID) UnmarshalText(text []byte) error {
	id, err := ParseNodeID(string(text))
	*n = id
	return err
}

// ParseNodeID reads the form that String writes.
func ParseNodeID(s string) (NodeID, error) {
	v, err := parseHex16(s)
	if err != nil {
		return 0, fmt.Errorf("node id %q: %w", s, err)
	}
	return NodeID(v), nil
}

// ClusterID names a cluster, the nodes that share one Raft log. It is random;
// zero is no cluster.
type ClusterID uint64

// String returns 16 hex digits.
func (c ClusterID) String() string { return fmt.Sprintf("%016x", uint64(c)) }

// MarshalText writes the form of String.
func (c ClusterID) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the form of String.
func (c *ClusterID) UnmarshalText(text []byte) error {
	v, err := parseHex16(string(text))
	if err != nil {
		return fmt.Errorf("cluster id %q: %w", text, err)
	}
	*c = ClusterID(v)
	return nil
}

func parseHex16(s string) (uint64, error) {
	if len(s) != 16 {
		return 0, fmt.Errorf("want 16 hex digits, got %d characters", len(s))
	}
	return strconv.ParseUint(s, 16, 64)
}

// Incarnation counts the starts of a node under one NodeID, from 1.
type Incarnation uint64

// Version is a ring version: it counts the changes of the map, from 1.
type Version uint64

// Epoch of a partition: the ring version of the last change of its primary,
// term or in-sync set. Changes of a Row are compare-and-set on it.
type Epoch uint64

// Term of a partition: the ring version at which its primary, in its present
// incarnation, got the role. It fences frames and acknowledgements and labels
// entries for ever.
type Term uint64

// Seq numbers the entries of a partition from 1, without gaps. As a position it
// means "everything up to and including".
type Seq uint64

// Stamp is the version of a record: microseconds since 1970, and, imports
// excepted, above every earlier stamp of its partition. It is the record's ETag.
type Stamp uint64

// Label names an entry: no two different entries of a partition ever bear the
// same one, and logs that share a label share everything before it.
type Label struct {
	Term Term
	Seq  Seq
}

// Compare orders labels by term, then sequence: -1, 0 or +1.
func (l Label) Compare(m Label) int {
	switch {
	case l == m:
		return 0
	case l.Term < m.Term, l.Term == m.Term && l.Seq < m.Seq:
		return -1
	}
	return 1
}

func (l Label) String() string { return fmt.Sprintf("%d/%d", l.Term, l.Seq) }

// OpID names a client's operation, so that a repeat is recognised: the node that
// took it from the client, that node's incarnation, and a counter. It is remembered
// as far back as a copy's log goes, so it cannot be a client's own. The zero OpID
// names none.
type OpID struct {
	Node        NodeID
	Incarnation Incarnation
	Counter     uint64
}
