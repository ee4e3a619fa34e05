// Package node is one node of the hash table: it opens store, Raft, copies and
// HTTP server in order, closes them in reverse, and takes the node from one
// cluster to the next (join, leave, import).
package node

import (
	"context"
	"errors"
)

// Node is one running node.
type Node struct{}

// Open starts a node. It returns once the node's port is open; the node may take
// a moment more to serve (Ready).
func Open(ctx context.Context, cfg Config) (*Node, error) {
	return nil, errors.ErrUnsupported
}

// Address returns the host:port that others reach the node at.
func (n *Node) Address() string { return "" }

// Done is closed when the node has come to a fatal end by itself; Wait says why.
func (n *Node) Done() <-chan struct{} { return nil }

// Wait returns why the node came to a fatal end, or nil after Close.
func (n *Node) Wait() error { return nil }

// Close stops the node and waits until everything it started has ended.
func (n *Node) Close(ctx context.Context) error { return nil }
