package replica

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

// SetMap takes in a newer map; an older one is ignored. Nothing follows from a
// map that does not show this node's own PeerUp.
func (n *Node) SetMap(m *partition.Map, now time.Duration) {
	n.now = now
	if n.m != nil && m.Version <= n.m.Version {
		return
	}
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
	c := n.copies[id]
	if !row.HasCopy(n.cfg.Self) {
		n.dropCopy(id, c)
		return
	}
	if c == nil {
		if c = n.stored[id]; c == nil {
			c = newReplica(id, partition.Position{LogStart: 1})
		}
		delete(n.stored, id)
		n.copies[id] = c
	}
	old := c.row
	c.row = row
	if old == nil || old.Term != row.Term {
		c.termApplied = n.now
		c.incoming, c.extra, c.query = nil, nil, nil
		n.endLead(c)
	}
	if c.lead == nil && row.Primary == n.cfg.Self {
		n.beginLead(c)
	} else if c.lead != nil {
		n.reconcile(c)
	}
}

// dropCopy deletes what the map gives this node no place for.
func (n *Node) dropCopy(id partition.ID, c *replica) {
	if c == nil {
		if c = n.stored[id]; c == nil {
			return
		}
		delete(n.stored, id)
	}
	n.endLead(c)
	n.copies[id] = nil
	n.batch.Writes = append(n.batch.Writes, Write{Partition: id, Drop: true})
}

// tombstones reports whether a delete leaves a tombstone.
func (n *Node) tombstones() bool { return n.cfg.Tombstones || n.m.Importing() }
