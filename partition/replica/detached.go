package replica

import (
	"pipelinedht/partition"
)

// A copy that the map has no place for any more is not deleted at once: its
// primary may have proposed to take it into the in-sync set, at an epoch that
// still stands. So its holder asks, and the primary says when it has nothing
// proposed that names the copy. It will not name it again before the holder, by a
// newer map, is part of the partition again; a late Drop is void then, since it
// repeats the ring version of a detachment that is over.

// tickDetached asks the primary whether the copy is to be dropped.
func (n *Node) tickDetached(c *replica) {
	if c.asked == 0 || n.now-c.asked >= n.cfg.Resend {
		c.asked = n.now
		n.send(c.row.Primary, Small, &Detached{Partition: c.id, Term: c.row.Term, Since: c.detached})
	}
}

func (n *Node) onDetached(c *replica, from partition.NodeID, m *Detached) {
	l := c.lead
	if l.phase != serving || c.row.HasCopy(from) || l.proposed.names(from) || n.m.Version < m.Since {
		return
	}
	n.send(from, Small, &Drop{Partition: c.id, Term: l.term, Since: m.Since})
}

// onDrop deletes the copy, unless the map has had a place for it in between.
func (n *Node) onDrop(c *replica, m *Drop) {
	if c.detached == 0 || c.detached != m.Since {
		return
	}
	n.copies[c.id] = nil
	n.drop(c.id)
}

// drop has the stored copy of a partition deleted.
func (n *Node) drop(id partition.ID) {
	n.dropping[id]++
	n.batch.Writes = append(n.batch.Writes, Write{Partition: id, Drop: true})
}

// dropStored takes note that a deletion is durable. A copy that was begun anew
// meanwhile has waited for it before it says where it stands: a crash before would
// have brought the old copy back in its place.
func (n *Node) dropStored(id partition.ID) {
	if n.dropping[id]--; n.dropping[id] == 0 {
		delete(n.dropping, id)
	}
	if c := n.copy(id); c != nil && c.unstored > 0 {
		if c.unstored--; c.unstored == 0 {
			n.answerQuery(c)
			if c.lead != nil {
				n.recover(c)
			}
		}
	}
}
