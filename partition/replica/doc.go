// Package replica is the copy protocol: how the copies of a partition replicate,
// commit, lease reads, take over, catch up and hand over. It follows PacificA
// (Lin et al., MSR-TR-2008-25): a configuration kept elsewhere, primary-backup
// replication to all in-sync copies, and leases between the copies themselves.
//
// A Node is the protocol state of all copies of one node. It is a pure state
// machine: no goroutine, lock, clock or I/O. Messages, maps, ticks, store
// completions and client operations go in, each with the time; Ready and Batch
// come out. It knows neither how messages travel nor how copies are stored, so a
// seeded scheduler can replay any history of a whole cluster.
//
// A Node is not safe for concurrent use; the caller serialises.
//
// Words: lead is a node's reign over a partition in one term; a follower is
// another copy as its lead sees it; a copy is what the node itself holds.
package replica
