package replica

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

// A node that is about to stop withdraws first: it hands its primaries over and
// has the others leave it out of the in-sync sets, so that nobody has to wait for
// a promise to run out. That it stops travels in its beacons and grants, and makes
// no difference to what is safe: to the map it is a peer like any other.

// Withdraw begins to give up this node's roles. It serves on meanwhile, and stays
// in the sets that would fall below their minimum without it.
func (n *Node) Withdraw(now time.Duration) {
	n.goOn(now)
	n.stopping = true
	n.sendBeacons()
	for _, c := range n.copies {
		if c != nil && c.lead != nil {
			n.reshape(c)
		}
	}
}

// Withdrawn reports whether nobody is left who could take a role off this node.
func (n *Node) Withdrawn(now time.Duration) bool {
	n.goOn(now)
	if !n.up {
		return true
	}
	for _, c := range n.copies {
		if c != nil && slices.Contains(c.row.InSync, n.cfg.Self) && !n.dispensable(c) {
			return false
		}
	}
	return true
}

// dispensable reports whether waiting makes no difference any more to what happens
// to an in-sync copy's partition once its node has stopped.
func (n *Node) dispensable(c *replica) bool {
	if c.lead != nil {
		return !slices.ContainsFunc(c.row.InSync, func(id partition.NodeID) bool { return n.heir(c, id) })
	}
	p := n.peer(c.row.Primary)
	now, _ := n.m.Peer(p.id)
	stops := p.stopping && now.Incarnation <= p.inc // else it has been started anew since
	return stops || p.gone || n.m.Away(p.id) || len(c.row.InSync) <= c.row.MinInSync
}

// heir reports whether an in-sync copy other than this node's may be about to lead
// the partition.
func (n *Node) heir(c *replica, id partition.NodeID) bool {
	f := c.lead.follower(id)
	return f != nil && slices.Contains(c.row.InSync, id) && !f.stopping && !f.full && f.mark == nil && !n.silent(c.lead, f)
}

// dropStopping proposes the in-sync set without the copies whose nodes are about to
// stop or are full, as far as its minimum allows.
func (n *Node) dropStopping(c *replica) bool {
	if n.stopping || n.full {
		return false
	}
	stay := c.row.InSync
	for _, f := range c.lead.followers {
		if (f.stopping || f.full) && len(stay) > c.row.MinInSync && slices.Contains(stay, f.id) {
			stay = slices.DeleteFunc(slices.Clone(stay), func(id partition.NodeID) bool { return id == f.id })
		}
	}
	if len(stay) == len(c.row.InSync) {
		return false
	}
	n.propose(c, partition.Change{Primary: n.cfg.Self, InSync: stay}, false)
	return true
}
