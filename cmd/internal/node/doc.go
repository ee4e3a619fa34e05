// Package node is one node of the hash table: it opens store, connections, Raft,
// copies and HTTP server in order, closes them in reverse, and takes the node
// from one cluster to the next: join, leave and the import of what it brings.
//
// A life is one membership of one cluster: a node id, a Raft directory, a
// generation of copies in the store. A node has one; while it joins another
// cluster it has a second. Store and HTTP server outlive lives. Requests reach
// the current life through a gate, which is shut while lives change, so that no
// request sees half a change and none fails by it.
//
// What a change has reached is in the store's metadata (state), written in one
// batch before the next step. A node that starts reads it and goes on from there.
//
// It knows nothing of the copy protocol or of Raft's log, and takes no part in
// what a request does behind the gate, but for one thing: while old data are
// being imported, a request for a key among them imports that key first.
//
// Concurrency: one change of membership at a time holds Node.turn and alone
// writes state and current; everything else reads them under Node.mu. All
// exported methods may be called from any goroutine.
package node
