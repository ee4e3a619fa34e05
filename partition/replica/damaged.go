package replica

import (
	"slices"

	"pipelinedht/partition"
)

// A copy that turns out to be damaged keeps its place in the in-sync set only
// until another copy has what it lacks: its log still takes entries, but it leads
// nothing as long as others are in sync, and says to its primary what it is, so
// that it is dropped from the set. It is replaced, slot and all, when a transfer
// of the whole copy begins; until then nothing of it is thrown away. The only
// in-sync copy leads on, for what can still be read of it is all there is.

// Damaged says that reading this node's copy of a partition found it damaged. It
// reports whether that is news.
func (n *Node) Damaged(id partition.ID) bool {
	c := n.copy(id)
	if c == nil || c.damaged || c.mark != nil || !n.up {
		return false
	}
	c.damaged = true
	n.tickDamaged(c)
	return true
}

// DamagedCopies returns how many of this node's copies are damaged and not yet
// being replaced.
func (n *Node) DamagedCopies() (count int) {
	for _, c := range n.copies {
		if c != nil && c.damaged {
			count++
		}
	}
	return count
}

// unfit reports whether this node must not lead a partition, since its copy is
// damaged and others are in sync, or nothing of it can be used.
func (n *Node) unfit(c *replica) bool {
	return c.mark != nil || c.damaged && len(c.row.InSync) > 1
}

// tickDamaged has a damaged copy known as such: by the store, so that it leads
// nothing after a restart either, and by its primary.
func (n *Node) tickDamaged(c *replica) {
	if c.detached != 0 {
		return
	}
	if unfit := n.unfit(c) || c.row.Primary != n.cfg.Self; c.mark == nil && c.damageStored != unfit {
		c.damageStored = unfit
		w := Write{SetMark: true}
		if unfit {
			w.Mark = &partition.Mark{Fresh: true}
		}
		n.write(c, w)
	}
	switch l := c.lead; {
	case l != nil:
		if l.phase != released && n.unfit(c) {
			n.release(c)
		}
	case c.damageTold == 0 || n.now-c.damageTold >= n.cfg.Resend:
		c.damageTold = n.now
		n.send(c.row.Primary, Small, &Position{Partition: c.id, Term: c.row.Term, Position: c.position()})
	}
}

// storedMark returns the mark that the store is to have.
func (c *replica) storedMark() *partition.Mark {
	if c.damageStored {
		return &partition.Mark{Fresh: true}
	}
	return c.mark
}

// discard has the store forget a damaged copy, before the transfer that replaces
// it begins: in its place there would still be what cannot be read.
func (n *Node) discard(c *replica) {
	c.damaged, c.damageStored = false, false
	n.dropping[c.id]++
	c.unstored++
	n.batch.Writes = append(n.batch.Writes, Write{Partition: c.id, Drop: true})
}

// heardDamage takes note that a follower's copy is damaged: an in-sync one is
// dropped, and any is then given the whole copy.
func (n *Node) heardDamage(c *replica, f *follower, mark *partition.Mark) {
	n.stopTransfer(f)
	n.landAll(f)
	f.stage, f.known, f.mark, f.asked = probing, true, mark, n.now
	f.counted = false
	n.reconcile(c)
	n.reshape(c)
}

// isNews reports whether a marked Position says of a follower what its primary
// does not know yet.
func (c *replica) isNews(f *follower, m *Position) bool {
	if slices.Contains(c.row.InSync, f.id) {
		return true
	}
	bringing := f.stage == sending && f.out.plan.reset
	return m.Number == 0 && m.Position.Mark.Fresh && f.known && f.mark == nil && !bringing
}
