package replica

import "pipelinedht/partition"

const (
	// largeEntry is the size in bytes from which an entry travels on the Bulk
	// lane, and those after it until it is acknowledged, so that order is kept.
	largeEntry = 128 << 10
	// appendBytes bounds the entries of one Append on the Small lane.
	appendBytes = 512 << 10
)

// sendEntries hands every live follower what it has not been sent yet: all that
// came since the last Batch, in one message a partition.
func (n *Node) sendEntries() {
	for i := 0; i < len(n.dirty); i++ { // feed may add some
		c := n.dirty[i]
		l := c.lead
		if l == nil || n.copy(c.id) != c {
			continue
		}
		l.dirty = false
		for _, f := range l.followers {
			if f.stage == live {
				n.feed(c, f)
			}
		}
	}
	n.dirty = n.dirty[:0]
}

// feed sends a live follower all entries after f.sent.
func (n *Node) feed(c *replica, f *follower) {
	l := c.lead
	if f.sent < l.window.base {
		n.probe(c, f)
		return
	}
	for f.sent < l.window.last() && n.mayFly(f) {
		first, bytes, large := f.sent+1, 0, false
		var entries []partition.Entry
		for seq := first; seq <= l.window.last() && bytes < appendBytes; seq++ {
			e := l.window.at(seq).entry
			if e.Size() >= largeEntry {
				if large = true; len(entries) > 0 {
					break
				}
			}
			entries = append(entries, e)
			bytes += e.Size()
			if large {
				break
			}
		}
		f.sent += partition.Seq(len(entries))
		f.fly(f.sent, bytes)
		f.timing.sends(f.sent, n.now)
		prev, _ := c.log.label(first - 1)
		lane := Small
		if entries[0].Size() >= largeEntry {
			f.bulk = f.sent
		}
		if f.acked < f.bulk {
			lane = Bulk
		}
		n.send(f.id, lane, &Append{
			Partition: c.id, Term: l.term, Prev: prev, Commit: c.commit, Entries: entries,
		})
		f.asked = n.now
		if f.since == 0 {
			f.since = n.now
		}
	}
}

// onAppend takes in entries as a follower.
func (n *Node) onAppend(c *replica, from partition.NodeID, m *Append) {
	if from != c.row.Primary || c.lead != nil || len(m.Entries) == 0 {
		return
	}
	first, last := m.Entries[0].Label.Seq, c.log.last.Seq
	if c.mark != nil || first > last+1 {
		n.ack(from, &Ack{Partition: c.id, Term: m.Term, Seq: c.durable, Gap: true})
		return
	}
	had := min(int(last+1-first), len(m.Entries))
	before := m.Prev
	if had > 0 {
		before = m.Entries[had-1].Label
	}
	if at, ok := c.log.label(before.Seq); ok && at != before {
		n.ack(from, &Ack{Partition: c.id, Term: m.Term, Gap: true})
		return
	}
	c.commit = max(c.commit, min(m.Commit, c.log.last.Seq))
	switch fresh := m.Entries[had:]; {
	case len(fresh) > 0:
		n.append(c, fresh)
	case c.unstored > 0:
		n.oweAck(c)
	default:
		n.acknowledge(c)
	}
}

// oweAck has c acknowledged once for all writes that Stored is told of.
func (n *Node) oweAck(c *replica) {
	if !c.ackDue {
		c.ackDue = true
		n.acks = append(n.acks, c)
	}
}

// acknowledge tells the primary of the present term what is durable here.
func (n *Node) acknowledge(c *replica) {
	if c.lead == nil && c.mark == nil && c.row.Primary != n.cfg.Self {
		n.ack(c.row.Primary, &Ack{Partition: c.id, Term: c.row.Term, Seq: c.durable})
	}
}

// onAck takes in what a follower has made durable.
func (n *Node) onAck(c *replica, f *follower, m *Ack) {
	if f.stage != live {
		return
	}
	if m.Gap {
		if m.Seq < f.acked || m.Seq > f.sent {
			n.probe(c, f)
		} else if n.now-f.asked >= n.cfg.Beacon {
			n.landAll(f)
			f.sent = max(f.acked, m.Seq)
			n.markDirty(c)
		}
		return
	}
	n.heardUpTo(c, f, m.Seq)
}

// heardUpTo raises what f is known to have, and follows that up.
func (n *Node) heardUpTo(c *replica, f *follower, seq partition.Seq) {
	f.acked = max(f.acked, min(seq, f.sent))
	n.acknowledges(f)
	n.land(f, f.acked)
	if f.since = n.now; f.acked >= f.sent {
		f.since = 0
	}
	n.advance(c)
	n.shrinkWindow(c)
	n.reshape(c)
}

func (n *Node) markDirty(c *replica) {
	if !c.lead.dirty {
		c.lead.dirty = true
		n.dirty = append(n.dirty, c)
	}
}
