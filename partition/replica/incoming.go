package replica

import (
	"slices"

	"pipelinedht/partition"
)

// incoming is a transfer as its receiver sees it.
type incoming struct {
	from   partition.NodeID
	number uint64
	next   int
}

// onChunk takes in a piece of a transfer: as a follower from the primary, or as a
// recovering primary from the copy that it asked with Fetch.
func (n *Node) onChunk(c *replica, from partition.NodeID, m *Chunk) {
	if m.Head == nil {
		n.onFurtherChunk(c, from, m)
		return
	}
	if c.lead != nil {
		n.onFetched(c, from, m)
		return
	}
	if from != c.row.Primary || m.Transfer <= c.lastTransfer || !n.fits(c, m) {
		return
	}
	if m.Head.Reset && c.damaged {
		n.discard(c)
	}
	c.lastTransfer = m.Transfer
	c.incoming = &incoming{from: from, number: m.Transfer, next: 1}
	n.begin(c, m)
	if m.Last {
		c.incoming, c.mark = nil, nil
	}
	n.write(c, Write{Chunk: m, Mark: c.storedMark(), from: from})
}

// fits reports whether a transfer can begin on this copy as it is. An in-sync
// copy takes nothing that would unmake or mark it.
func (n *Node) fits(c *replica, m *Chunk) bool {
	h := m.Head
	if h.After.Seq+partition.Seq(len(h.Records)) != h.Position.Last.Seq {
		return false
	}
	if slices.Contains(c.row.InSync, n.cfg.Self) {
		return !h.Reset && m.Last && h.After == c.log.last
	}
	if h.Reset {
		return true
	}
	at, ok := c.log.label(h.After.Seq)
	if !ok || c.damaged || at != h.After || c.mark != nil && (c.mark.Fresh || at.Seq > c.mark.Common) {
		return false
	}
	return c.mark == nil && at == c.log.last || c.extra != nil && c.extra.After == at.Seq && !c.extra.TooMany
}

// begin brings the log to what the head says, under a mark.
func (n *Node) begin(c *replica, m *Chunk) {
	h := m.Head
	if h.Reset {
		c.log = position{last: h.After, start: h.After.Seq + 1}
		if h.After.Seq > 0 {
			c.log.terms = []partition.TermStart{{Term: h.After.Term, First: h.After.Seq}}
		}
		c.mark, c.commit, c.durable = &partition.Mark{Fresh: true}, 0, 0
	} else {
		mark := &partition.Mark{Common: h.After.Seq}
		if c.extra != nil {
			mark.Extra = c.extra.Keys
		}
		c.mark = mark
		c.log.cut(h.After)
		c.durable = min(c.durable, h.After.Seq)
	}
	c.extra = nil
	for i := range h.Records {
		c.log.add(&h.Records[i])
	}
	c.log.stamp = max(c.log.stamp, h.Position.Stamp)
	c.commit = max(c.commit, min(h.Position.Commit, c.log.last.Seq))
}

func (n *Node) onFurtherChunk(c *replica, from partition.NodeID, m *Chunk) {
	in := c.incoming
	if in == nil || in.from != from || in.number != m.Transfer || in.next != m.Index {
		return
	}
	in.next++
	if m.Last {
		c.incoming, c.mark = nil, nil
	}
	n.write(c, Write{Chunk: m, Mark: c.storedMark(), from: from})
}

// onFetched adopts the longer log of another in-sync copy.
func (n *Node) onFetched(c *replica, from partition.NodeID, m *Chunk) {
	h := m.Head
	if c.lead.phase != recovering || !m.Last || h.Reset || h.After != c.log.last || c.unstored > 0 ||
		h.After.Seq+partition.Seq(len(h.Records)) != h.Position.Last.Seq {
		return
	}
	if f := c.lead.follower(from); f == nil || !slices.Contains(c.row.InSync, from) {
		return
	}
	for i := range h.Records {
		c.log.add(&h.Records[i])
	}
	c.log.stamp = max(c.log.stamp, h.Position.Stamp)
	n.write(c, Write{Chunk: m})
}
