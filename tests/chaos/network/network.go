// Package network is the wires between the nodes of a cluster: one TCP proxy in
// front of each, whose address the node advertises. A proxy learns from the
// handshake who is calling, so that what passes can be cut, held up or slowed
// down for each pair of nodes and each direction.
//
// It knows two things of the protocol between nodes: that a connection begins
// with an HTTP request, and the headers of it that say who calls, and what for.
package network

import (
	"sync"
	"time"
)

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

// Network is the proxies of one cluster. Safe for concurrent use.
type Network struct {
	mu      sync.Mutex // guards the following
	rules   map[Way]Rule
	changed chan struct{}     // closed and replaced when rules change
	names   map[string]string // of nodes, by address
	proxies []*Proxy
	links   map[*link]struct{} // nil: closed

	running sync.WaitGroup
}

// New returns a network that lets everything pass.
func New() *Network {
	return &Network{
		rules: make(map[Way]Rule), changed: make(chan struct{}),
		names: make(map[string]string), links: make(map[*link]struct{}),
	}
}

// Set puts the rule on the ways, in place of what was on them.
func (n *Network) Set(r Rule, ways ...Way) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range ways {
		n.rules[w] = r
	}
	n.applyLocked()
}

// Heal lets everything pass again.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.rules)
	n.applyLocked()
}

// applyLocked closes what must be and wakes what waits.
func (n *Network) applyLocked() {
	close(n.changed)
	n.changed = make(chan struct{})
	for l := range n.links {
		if n.cutLocked(l) {
			l.close()
		}
	}
}

func (n *Network) cutLocked(l *link) bool {
	for _, w := range []Way{{l.from, l.to}, {l.to, l.from}} {
		if r := n.rules[w]; r.Cut && r.concerns(l.kind) {
			return true
		}
	}
	return false
}

// rule returns what is to happen to what goes w on a connection of a kind, and a
// channel that is closed when that may have changed.
func (n *Network) rule(w Way, kind string) (Rule, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.rules[w]
	if !r.concerns(kind) {
		r = Rule{}
	}
	return r, n.changed
}

// enter takes a new link in, unless it is cut.
func (n *Network) enter(l *link) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.links == nil || n.cutLocked(l) {
		return false
	}
	n.links[l] = struct{}{}
	return true
}

func (n *Network) leave(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.links, l)
}

// nameOf returns the node that advertises the address; "" if none does.
func (n *Network) nameOf(address string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.names[address]
}

// Open makes a proxy, at an address (host:port), for a node that is not there
// yet: it refuses connections until Serve.
func (n *Network) Open(name, address string) *Proxy {
	p := &Proxy{network: n, name: name, address: address}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[address] = name
	n.proxies = append(n.proxies, p)
	return p
}

// Close closes every connection and waits until nothing is carried any more.
func (n *Network) Close() {
	n.mu.Lock()
	proxies, links := n.proxies, n.links
	n.links = nil
	n.mu.Unlock()
	for _, p := range proxies {
		p.Refuse()
	}
	for l := range links {
		l.close()
	}
	n.running.Wait()
}
