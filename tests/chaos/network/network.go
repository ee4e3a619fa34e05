// Package network is the wires between the nodes of a cluster, which can be cut,
// held up or slowed down for each pair of nodes and each direction:
//
//	proxies.go   one TCP proxy in front of each node, whose address it advertises
//	packets.go   a network namespace for each node, with a router that drops packets
package network

import "time"

// Network is the wires between nodes. Safe for concurrent use.
type Network interface {
	// Set puts the rule on the ways, in place of what was on them.
	Set(r Rule, ways ...Way) error
	// Heal lets everything pass again.
	Heal() error
	// Close ends the network and everything that it started.
	Close()
}

// Way is a direction between two nodes, by name.
type Way struct{ From, To string }

// Both returns the two ways between each of the ones and each of the others.
func Both(ones, others []string) []Way {
	var ways []Way
	for _, a := range ones {
		for _, b := range others {
			if a != b {
				ways = append(ways, Way{a, b}, Way{b, a})
			}
		}
	}
	return ways
}

// Kinds is which connections a rule is for.
type Kinds uint8

const (
	Everything Kinds = iota
	OnlyRaft         // Raft's streams
	AllButRaft       // what nodes tell each other beside it
)

// Rule is what happens to what goes one way. Its zero value lets all pass.
type Rule struct {
	// Cut closes the connections that use the way, and those that are made anew.
	Cut bool
	// Hold lets nothing pass, and leaves the connections open; what was sent
	// meanwhile arrives afterwards.
	Hold bool
	// Delay is for how long everything is on its way.
	Delay time.Duration
	Kinds Kinds
}

func (r Rule) concerns(kind string) bool {
	return r.Kinds == Everything || (r.Kinds == OnlyRaft) == (kind == raftKind)
}
