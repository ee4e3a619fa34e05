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
	if n.stopping || c.taking || c.row.Primary == n.cfg.Self || c.mark != nil || c.damaged || !slices.Contains(c.row.InSync, n.cfg.Self) {
		return
	}
	p := n.peer(c.row.Primary)
	due := n.promised(c, p)
	if c.released == c.row.Term {
		due = 0
	}
	if n.now < due+time.Duration(n.rank(c))*n.cfg.Stagger {
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

// rank is this node's turn among those that may take the partition over: the
// order of the target, then of ids.
func (n *Node) rank(c *replica) int {
	rank := 0
	if n.full {
		rank = len(c.row.InSync) // after all that have space
	}
	for _, id := range c.row.Target {
		if id == n.cfg.Self {
			return rank
		}
		if id != c.row.Primary && slices.Contains(c.row.InSync, id) {
			rank++
		}
	}
	for _, id := range c.row.InSync {
		if id == n.cfg.Self {
			break
		}
		if id != c.row.Primary && !slices.Contains(c.row.Target, id) {
			rank++
		}
	}
	return rank
}
