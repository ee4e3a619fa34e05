package replica

import "time"

// Tick lets time pass. Call it about every 50 ms, or as late as Rest says.
func (n *Node) Tick(now time.Duration) {
	n.goOn(now)
	n.ticking = true
	if !n.up {
		return
	}
	due := now >= n.nextBeacon
	if due {
		n.nextBeacon = now + n.cfg.Beacon
		n.sendBeacons()
	}
	if due || !n.quiet() {
		for _, c := range n.copies {
			if c != nil {
				n.tickCopy(c)
			}
		}
		n.tellCommits()
	}
	n.judgeSlow()
}

// tickCopy does what is due for one copy.
func (n *Node) tickCopy(c *replica) {
	if c.damaged {
		n.tickDamaged(c)
	}
	switch {
	case c.lead != nil:
		n.tickLead(c)
	case c.detached != 0:
		n.tickDetached(c)
	default:
		n.considerTakeOver(c)
	}
}

// Rest returns how long Tick can wait, unless Busy says otherwise before: until the
// next beacon of a node without work, or until a peer is suspected. 0: no longer than
// ever.
func (n *Node) Rest() time.Duration {
	if !n.up || !n.quiet() {
		return 0
	}
	due := n.nextBeacon
	for _, p := range n.peers {
		if suspected := p.promiseUntil - n.suspicion(); suspected > n.now {
			due = min(due, suspected)
		}
	}
	return max(due-n.now, 0)
}

// Busy reports whether something was said, heard, stored or changed about a copy
// lately, or is about to be.
func (n *Node) Busy() bool {
	return n.now-n.active < n.cfg.Stuck || n.stopping || n.full || len(n.inFlight)+len(n.changes) > 0
}

// quiet reports whether a look at the copies can wait for the next beacon: nothing
// was said, heard or stored about any of them for Config.Stuck, longer than anything
// that time brings takes from there, and every peer is well. A node without work then
// looks at a thousand copies four times a second, not twenty times.
func (n *Node) quiet() bool {
	if n.Busy() {
		return false
	}
	for _, p := range n.peers {
		if !n.well(p) {
			return false
		}
	}
	return true
}

// well reports whether nothing about a peer calls for a look at the copies that it
// shares with this node: it answers beacons, and the promise to it has been renewed,
// or has run out for long without consequence.
func (n *Node) well(p *peer) bool {
	asked := n.now-p.beaconSent < n.cfg.Silence
	silent := asked && n.now-p.granted > n.cfg.Silence/2
	lapsed := n.now >= p.promiseUntil-n.suspicion() && n.now-p.promiseUntil < n.cfg.Stuck
	return !silent && !lapsed && !p.gone && !p.stopping && !p.full && !p.slow && !p.stuck
}
