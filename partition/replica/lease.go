package replica

import (
	"time"

	"pipelinedht/partition"
)

// peer is another node, as the two rights between a pair see it: the lease that
// it grants this node, and the promise that this node made in granting.
type peer struct {
	id   partition.NodeID
	inc  partition.Incarnation // highest heard of
	gone bool                  // its address refused a connection since it was last heard
	slowness
	flow
	next unsent
	// stopping: it said, in this incarnation, that it is about to stop. It gets no
	// role any more.
	stopping bool
	// stuck: it said last that its store takes in nothing.
	stuck bool
	full  bool // it said last that its disk is nearly full

	// The lease: this node may read, as far as this peer goes, in terms that
	// leaseVersion covers, until leaseUntil.
	beaconSent   time.Duration     // the last one
	beaconTold   partition.Version // the version it told
	unanswered   time.Duration     // the first of an unbroken row of them since anything was heard of the peer; 0: none
	leaseSent    time.Duration     // the beacon that the lease answers
	leaseUntil   time.Duration
	leaseVersion partition.Version
	granted      time.Duration // when the last grant that counted came

	// The promise: this node does not take over from the peer, in terms that
	// promiseVersion covers, until promiseUntil.
	// Invariant: leaseUntil at the peer < promiseUntil here, on a common clock.
	promiseUntil   time.Duration
	promiseVersion partition.Version

	// taking counts this node's unresolved take-overs from the peer.
	// Invariant: while taking > 0 nothing is granted to it.
	taking int
	// taken is the last ring version at which this node became primary of a
	// partition that the peer may have led: grants count only once the peer has
	// applied it.
	taken partition.Version
}

// peer returns the state kept of a node, made when first asked for.
func (n *Node) peer(id partition.NodeID) *peer {
	p := n.peers[id]
	if p == nil {
		p = &peer{id: id, granted: n.now}
		n.peers[id] = p
	}
	return p
}

// leased reports whether the peer's lease runs for a term.
func (n *Node) leased(p *peer, term partition.Term) bool {
	return n.now < p.leaseUntil && p.leaseVersion >= partition.Version(term)
}

// promised returns until when this node's promise to p keeps it from taking over
// a partition that p leads in c's term. A node that starts has forgotten its
// promises, so it keeps still for a whole Grant; and so it does in a new term,
// for which its primary needs that long to ask for a promise.
func (n *Node) promised(c *replica, p *peer) time.Duration {
	until := p.promiseUntil
	if p.promiseVersion < partition.Version(c.row.Term) {
		until = c.termApplied + n.cfg.Grant
	}
	until = max(until, n.started+n.cfg.Grant)
	if broken(takeEarly) {
		until -= n.cfg.Grant / 2
	}
	return until
}

// sendBeacons asks for grants wherever this node leads.
func (n *Node) sendBeacons() {
	if !n.up {
		return
	}
	for _, c := range n.copies {
		if c == nil || c.lead == nil {
			continue
		}
		for _, f := range c.lead.followers {
			if f.beaconSent != n.now || f.beaconTold != n.m.Version {
				n.beacon(f.peer)
			}
		}
	}
}

// asking reports whether a peer gets beacons one after the other.
func (n *Node) asking(p *peer) bool { return n.now-p.beaconSent <= n.cfg.Silence/2 }

// lost reports whether a peer is gone, or has been asked for long and said nothing at
// all, whatever this node's roles were meanwhile.
func (n *Node) lost(p *peer) bool {
	return p.gone || p.unanswered != 0 && n.asking(p) && n.now-max(p.unanswered, n.resumed) > n.cfg.Silence
}

func (n *Node) beacon(p *peer) {
	if p.unanswered == 0 || !n.asking(p) {
		p.unanswered = n.now
	}
	p.beaconSent, p.beaconTold = n.now, n.m.Version
	n.send(p.id, Control, &Beacon{Version: n.m.Version, Sent: n.now, Stopping: n.stopping, Full: n.full})
}

// told takes note of what a peer says of itself.
func (n *Node) told(p *peer, stopping, full, stuck bool) {
	stopping = stopping || p.stopping
	if stopping != p.stopping || full != p.full || stuck != p.stuck {
		n.active = n.now
	}
	p.stopping, p.full, p.stuck = stopping, full, stuck
}

func (n *Node) onBeacon(p *peer, b *Beacon) {
	n.told(p, b.Stopping, b.Full, p.stuck)
	if p.taking > 0 {
		return
	}
	p.promiseUntil = n.now + n.cfg.Grant
	p.promiseVersion = max(p.promiseVersion, b.Version)
	n.send(p.id, Control, &Grant{
		Version: b.Version, Sent: b.Sent, Taken: max(p.taken, n.upAt), Stopping: n.stopping, Full: n.full,
		Stuck: n.stuck(),
	})
}

func (n *Node) onGrant(p *peer, g *Grant) {
	n.told(p, g.Stopping, g.Full, g.Stuck)
	if n.m.Version < g.Taken || g.Sent < p.leaseSent || g.Sent > n.now {
		return
	}
	p.leaseSent = g.Sent
	p.leaseUntil = g.Sent + n.cfg.Lease
	p.leaseVersion = g.Version
	p.granted = n.now
}
