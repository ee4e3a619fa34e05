package replica

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

// SetMap takes in a newer map; an older one is ignored. Nothing follows from a
// map that does not show this node's own PeerUp.
func (n *Node) SetMap(m *partition.Map, now time.Duration) {
	n.goOn(now)
	if n.m != nil && m.Version <= n.m.Version {
		return
	}
	n.active = now
	old := n.m
	n.m = m
	self, ok := m.Peer(n.cfg.Self)
	if wasUp := n.up; !wasUp {
		if !ok || self.Incarnation != n.cfg.Incarnation {
			return
		}
		n.up, n.upAt, old = true, self.UpAt, nil
		n.copies = make([]*replica, len(m.Table))
	}
	for i := range m.Table {
		row := &m.Table[i]
		if old != nil && sameRow(&old.Table[i], row) {
			if c := n.copies[i]; c != nil {
				c.row = row
			}
			continue
		}
		n.setRow(partition.ID(i), row)
	}
	n.replayEarly()
	n.sendBeacons()
}

func sameRow(a, b *partition.Row) bool {
	return a.Epoch == b.Epoch && slices.Equal(a.Target, b.Target) && a.MinInSync == b.MinInSync
}

// setRow takes in a row that changed, or the first one seen.
func (n *Node) setRow(id partition.ID, row *partition.Row) {
	n.dropVoid(id, row)
	c := n.claim(id, row)
	if c == nil {
		return
	}
	switch {
	case row.HasCopy(n.cfg.Self):
		c.detached = 0
	case c.detached == 0:
		c.detached, c.asked = n.m.Version, 0
	}
	old := c.row
	c.row = row
	if old == nil || old.Term != row.Term {
		c.termApplied = n.now
		c.incoming, c.extra, c.query, c.lastTransfer = nil, nil, nil, 0
		n.endLead(c)
	}
	if row.Primary != n.cfg.Self && c.detached == 0 && (old == nil || old.Term != row.Term || !old.HasCopy(n.cfg.Self)) {
		c.query = &Query{Partition: id, Term: row.Term} // the primary need not ask
		n.answerQuery(c)
	}
	if c.lead == nil && row.Primary == n.cfg.Self {
		n.noteTaken(row.InSync, row)
		if old != nil {
			n.noteTaken(old.InSync, row)
		}
		n.beginLead(c)
	} else if c.lead != nil {
		n.reconcile(c)
	}
}

// claim returns this node's copy of a partition, or nil where it neither has nor
// needs one.
func (n *Node) claim(id partition.ID, row *partition.Row) *replica {
	c := n.copies[id]
	if c != nil {
		return c
	}
	if c = n.stored[id]; c != nil {
		delete(n.stored, id)
	} else if row.HasCopy(n.cfg.Self) {
		c = newReplica(id, partition.Position{LogStart: 1})
		c.unstored = n.dropping[id]
	}
	n.copies[id] = c
	return c
}

// dropVoid deletes this node's copy of a partition that began anew since: what it
// holds was given up. While the node runs, all that it has when a birth shows is
// from before; of a copy found in the store the label of its last entry tells.
func (n *Node) dropVoid(id partition.ID, row *partition.Row) {
	c := n.copies[id]
	void := c != nil && c.row.Born != row.Born
	if found := n.stored[id]; found != nil {
		void = found.log.last.Seq > 0 && found.log.last.Term < partition.Term(row.Born)
	}
	if !void {
		return
	}
	if c != nil {
		n.endLead(c)
	}
	n.copies[id] = nil
	delete(n.stored, id)
	n.drop(id)
}

// noteTaken remembers the ring version at which this node became primary of what
// these nodes may have led: until one of them has applied it, grants to it do not
// count.
func (n *Node) noteTaken(ids []partition.NodeID, row *partition.Row) {
	for _, id := range ids {
		if id != n.cfg.Self {
			p := n.peer(id)
			p.taken = max(p.taken, partition.Version(row.Epoch))
		}
	}
}

// tombstones reports whether a delete leaves a tombstone.
func (n *Node) tombstones() bool { return n.cfg.Tombstones || n.m.Importing() }
