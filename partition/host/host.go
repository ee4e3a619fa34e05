package host

import (
	"context"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// Host runs one node's copies in one cluster.
type Host struct{}

// Open starts a Host for the copies that cfg.Store has in cfg.Generation.
func Open(cfg Config) (*Host, error) { return nil, nil }

// Close stops the Host and waits. The store, Net and Cluster are not closed.
func (h *Host) Close() error { return nil }

// Message takes in what Net.Send brought from another node's Host; body is the Host's from then on.
func (h *Host) Message(from partition.NodeID, inc partition.Incarnation, lane replica.Lane, body []byte) {
}

// Call answers what Net.Call brought from another node's Host.
func (h *Host) Call(from partition.NodeID, lane replica.Lane, body []byte, reply func(body []byte)) {}

// Refused tells that a peer's address refused a connection: its process is gone.
func (h *Host) Refused(peer partition.NodeID) {}

// Lost tells that a connection to a peer broke.
func (h *Host) Lost(peer partition.NodeID) {}

// Get reads a key, wherever its primary is.
func (h *Host) Get(ctx context.Context, key []byte) (partition.Result, error) {
	return partition.Result{}, nil
}

// Write carries out an operation, wherever its key's primary is.
func (h *Host) Write(ctx context.Context, op partition.Op) (partition.Outcome, partition.Info, error) {
	return partition.Outcome{}, partition.Info{}, nil
}

// Keys calls f with the keys that this node is primary for.
func (h *Host) Keys(ctx context.Context, f func(key []byte) bool) error { return nil }

// Status says what this node's copies do.
func (h *Host) Status() Status { return Status{} }

// Status of a Host.
type Status struct{}
