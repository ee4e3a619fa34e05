package replica

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

// spoil damages a node's copy of a partition, if all other in-sync ones are whole
// and nothing under way could make this one the last. False: it did not.
func (w *world) spoil(n *simNode, id partition.ID) bool {
	d := n.disk[id]
	row := &w.law.latest().Table[id]
	if d == nil || d.damaged || !slices.ContainsFunc(row.InSync, func(o partition.NodeID) bool { return o != n.id }) {
		return false
	}
	for _, other := range row.InSync {
		if o := w.node(other).disk[id]; other != n.id && (o == nil || o.damaged) {
			return false
		}
	}
	if n.core != nil {
		c := n.core.copy(id)
		if !n.core.up || c == nil || c.mark != nil || c.taking || c.lead != nil && c.lead.proposed != nil {
			return false
		}
	}
	w.logf("node %d finds its copy of partition %d damaged", n.id, id)
	d.damaged = true
	clear(d.data)
	return true
}

// damage has a node that is about to start find a copy damaged.
func (w *world) damage(n *simNode) {
	if !w.calm && n.inc > 1 && w.rng.IntN(4) == 0 {
		w.spoil(n, partition.ID(w.rng.IntN(simPartitions)))
	}
	for _, d := range n.disk {
		if d.damaged {
			d.mark = &partition.Mark{Fresh: true}
		}
	}
}

// rot has a running node find a copy damaged.
func (w *world) rot(n *simNode) {
	if id := partition.ID(w.rng.IntN(simPartitions)); n.core != nil && w.spoil(n, id) {
		w.truth.rotten++
		n.input(func(now time.Duration) { n.core.Damaged(id) })
	}
}

// unreadable reports whether reading a copy fails, and has the core know it then.
func (n *simNode) unreadable(id partition.ID) bool {
	d := n.disk[id]
	if d == nil || !d.damaged {
		return false
	}
	n.input(func(now time.Duration) { n.core.Damaged(id) })
	return true
}
