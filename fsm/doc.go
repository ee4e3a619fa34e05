// Package fsm keeps the map, the one thing that all nodes of a cluster agree on,
// in a hashicorp/raft log, and runs this node's part in that Raft group.
//
// Half of it is pure: State and its commands, judged and carried out by
// State.apply, deterministically, so that every node that applies the same log
// has the same maps. The other half is the life of the Raft node: founding,
// proposing from any node, following the map with Raft's own configuration,
// stopping.
//
// It knows nothing of values, copies or connections: a StreamLayer and a Caller
// come in from outside, and what a change of the map means is for its readers.
//
// # Outcomes
//
// Raft's calls and their errors tell nothing about what becomes of a command. So
// every command bears its proposer's id, incarnation and a number that only
// rises; a command whose number is not above that proposer's last is void. A
// proposer sends one command, again and again under the same number, until its
// own FSM has applied that number. The state remembers the result of each
// proposer's last command, so a result is not lost in a snapshot either.
//
// # Concurrency
//
// Maps and States are immutable and swapped whole; all exported methods may be
// called from any goroutine at any time until Close returns.
package fsm
