package transport

import "pipelinedht/partition"

// Identity is what a node says of itself in a handshake.
type Identity struct {
	Cluster     partition.ClusterID
	Node        partition.NodeID
	Incarnation partition.Incarnation
	Address     string // host:port at which others reach it
}
