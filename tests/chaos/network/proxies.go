package network

import "sync"

// Proxies is the TCP proxies of one cluster. A proxy learns from the handshake who
// is calling and what for, so that rules can be by pair, direction and kind of
// connection.
//
// They know two things of the protocol between nodes: that a connection begins
// with an HTTP request, and the headers of it that say who calls, and what for.
type Proxies struct {
	mu      sync.Mutex // guards the following
	rules   map[Way]Rule
	changed chan struct{}     // closed and replaced when rules change
	names   map[string]string // of nodes, by address
	proxies []*Proxy
	links   map[*link]struct{} // nil: closed

	running sync.WaitGroup
}

// NewProxies returns a network without nodes that lets everything pass.
func NewProxies() *Proxies {
	return &Proxies{
		rules: make(map[Way]Rule), changed: make(chan struct{}),
		names: make(map[string]string), links: make(map[*link]struct{}),
	}
}

// Set puts the rule on the ways, in place of what was on them. It does not fail.
func (n *Proxies) Set(r Rule, ways ...Way) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range ways {
		n.rules[w] = r
	}
	n.applyLocked()
	return nil
}

// Heal lets everything pass again. It does not fail.
func (n *Proxies) Heal() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.rules)
	n.applyLocked()
	return nil
}

// applyLocked closes what must be and wakes what waits.
func (n *Proxies) applyLocked() {
	close(n.changed)
	n.changed = make(chan struct{})
	for l := range n.links {
		if n.cutLocked(l) {
			l.close()
		}
	}
}

func (n *Proxies) cutLocked(l *link) bool {
	for _, w := range []Way{{l.from, l.to}, {l.to, l.from}} {
		if r := n.rules[w]; r.Cut && r.concerns(l.kind) {
			return true
		}
	}
	return false
}

// rule returns what is to happen to what goes w on a connection of a kind, and a
// channel that is closed when that may have changed.
func (n *Proxies) rule(w Way, kind string) (Rule, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.rules[w]
	if !r.concerns(kind) {
		r = Rule{}
	}
	return r, n.changed
}

// enter takes a new link in, unless it is cut.
func (n *Proxies) enter(l *link) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.links == nil || n.cutLocked(l) {
		return false
	}
	n.links[l] = struct{}{}
	return true
}

func (n *Proxies) leave(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.links, l)
}

// nameOf returns the node that advertises the address; "" if none does.
func (n *Proxies) nameOf(address string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.names[address]
}

// Open makes a proxy, at an address (host:port), for a node that is not there
// yet: it refuses connections until Serve.
func (n *Proxies) Open(name, address string) *Proxy {
	p := &Proxy{network: n, name: name, address: address}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[address] = name
	n.proxies = append(n.proxies, p)
	return p
}

// Close closes every connection and waits until nothing is carried any more.
func (n *Proxies) Close() {
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
