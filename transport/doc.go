// Package transport connects the nodes of a cluster: one-way messages and calls
// in frames, and the byte streams of Raft.
package transport
