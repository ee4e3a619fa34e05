package replica

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

// considerTakeOver proposes this node as primary of a partition whose primary it
// has no promise to any more. The primary holds no lease of this node then, so it
// cannot answer a read, and it cannot commit a write without this node either.
func (n *Node) considerTakeOver(c *replica) {
	if n.stopping || c.row.Primary == n.cfg.Self || c.mark != nil || c.damaged || !slices.Contains(c.row.InSync, n.cfg.Self) {
		return
	}
	p := n.peer(c.row.Primary)
	due := n.promised(c, p)
	if c.released == c.row.Term {
		due = 0
	}
	if n.now >= due-n.suspicion() {
		n.sound(c)
	}
	if c.taking || n.now < due+time.Duration(n.rank(c))*n.cfg.Stagger {
		return
	}
	set := slices.DeleteFunc(slices.Clone(c.row.InSync), func(id partition.NodeID) bool { return id == p.id })
	c.taking = true
	p.taking++
	n.changes = append(n.changes, proposal{
		change: partition.Change{Partition: c.id, Epoch: c.row.Epoch, Primary: n.cfg.Self, InSync: set},
		copy:   c, from: p, made: n.now,
	})
}

// suspicion is how long before the end of a promise its primary is suspected: some of
// its beacons are missing. It exceeds Silence, so that by then it is known who has
// gone with it.
func (n *Node) suspicion() time.Duration { return n.cfg.Silence + n.cfg.Beacon/2 }

// sound asks the other copies of a partition, whose primary is suspected, for a sign
// of life: a copy that has gone with the primary is not waited for, neither with the
// take-over nor with what follows it.
func (n *Node) sound(c *replica) {
	for _, id := range c.row.InSync {
		if id == n.cfg.Self || id == c.row.Primary {
			continue
		}
		if p := n.peer(id); n.now-p.beaconSent >= n.cfg.Beacon {
			n.beacon(p)
		}
	}
}

// rank is this node's turn among those that may take the partition over: the
// order of the target, then of ids. Nobody waits for one that is lost.
func (n *Node) rank(c *replica) int {
	before := func(id partition.NodeID) bool { return id != c.row.Primary && !n.lost(n.peer(id)) }
	rank := 0
	if n.full {
		rank = len(c.row.InSync) // after all that have space
	}
	for _, id := range c.row.Target {
		if id == n.cfg.Self {
			return rank
		}
		if slices.Contains(c.row.InSync, id) && before(id) {
			rank++
		}
	}
	for _, id := range c.row.InSync {
		if id == n.cfg.Self {
			break
		}
		if !slices.Contains(c.row.Target, id) && before(id) {
			rank++
		}
	}
	return rank
}
