// Package httpapi is the HTTP side of a node: it parses requests, calls a Table
// or a Cluster, and prints what they answer.
//
// It knows nothing of copies, Raft or connections between nodes, and keeps no
// state of its own beyond counters and bounds. Handlers run in the goroutines of
// net/http, one a connection; every exported method may be called from any
// goroutine.
package httpapi
