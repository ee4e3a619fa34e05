// Package host runs the copies of one node around the pure core of package
// replica, and routes operations to the primary of their key, here or one hop
// away.
//
// It knows goroutines, time, the store and the order in which what the core asks
// for is done. It knows no sockets, Raft or HTTP: connections are behind Net, the
// map and its changes behind Cluster.
//
// Concurrency: Host.mu serialises the core; it is never held over I/O, a callback
// or a wait. Whoever stepped the core does at once what Ready says (release). One
// goroutine, the committer, sends what the core wrote to others and commits what
// it wrote to the store, everything that waits in one batch with one fsync. Open
// starts the goroutines, Close stops them and waits.
//
// An operation: the router looks its key's primary up in the map and either steps
// the core (read.go, write.go) or calls the primary (codec.go, serve.go), again
// and again until an attempt has an outcome. Each write is named once, here, so
// that no number of attempts carries it out twice (attempt.go).
package host
