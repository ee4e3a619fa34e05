package replica

import (
	"slices"

	"pipelinedht/partition"
)

const (
	// largeEntry is the size in bytes from which an entry travels on the Bulk
	// lane, and those after it until it is acknowledged, so that order is kept.
	largeEntry = 128 << 10
	// appendBytes is the size of the entries of a run from which it takes no more. One
	// below largeEntry may still have come in: so large an Append is, which fits the
	// Small lane, unless a single run is larger.
	appendBytes = 512 << 10
	// ackCopies bounds the copies in an Ack, so that it fits the Control lane.
	ackCopies = 4096
)

// unsent is what the next Batch has for a node and that more may be added to.
type unsent struct {
	batch uint64 // that the others are of; those of an earlier one are gone
	run   [Bulk + 1]*Append
	bytes [Bulk + 1]int // of the entries in run, by lane
	ack   *Ack
}

// unsent returns what the next Batch has for p.
func (n *Node) unsent(p *peer) *unsent {
	if p.next.batch != n.batches {
		p.next = unsent{batch: n.batches}
	}
	return &p.next
}

// sendEntries hands every live follower what it has not been sent yet: all that
// came since the last Batch, of all partitions together.
func (n *Node) sendEntries() {
	for i := 0; i < len(n.dirty); i++ { // feed may add some
		c := n.dirty[i]
		l := c.lead
		if l == nil || n.copy(c.id) != c {
			continue
		}
		l.dirty = false
		var last run
		for _, f := range l.followers {
			if f.stage == live {
				n.feed(c, f, &last)
			}
		}
	}
	clear(n.dirty)
	n.dirty = n.dirty[:0]
}

// run is entries of a window that are sent together, made once for all followers
// that lack the same.
type run struct {
	first   partition.Seq
	entries []partition.Entry // shared with other messages, hence never edited
	bytes   int
	large   bool    // one that travels on Bulk
	message *Append // of a large one, the same for all; nil: none was made yet
}

// run returns the entries from first on that travel together.
func (w *window) run(first partition.Seq) run {
	r, n := run{first: first}, 0
	for seq := first; seq <= w.last() && r.bytes < appendBytes && !r.large; seq++ {
		size := w.at(seq).entry().Size()
		if size >= largeEntry {
			if n > 0 {
				break
			}
			r.large = true
		}
		r.bytes += size
		n++
	}
	if n == 1 {
		r.entries = w.at(first).alone
		return r
	}
	r.entries = make([]partition.Entry, n)
	for i := range r.entries {
		r.entries[i] = *w.at(first + partition.Seq(i)).entry()
	}
	return r
}

// feed sends a live follower all entries after f.sent; last is what was sent last
// of the same copy.
func (n *Node) feed(c *replica, f *follower, last *run) {
	l := c.lead
	if f.sent < l.window.base {
		n.probe(c, f)
		return
	}
	for f.sent < l.window.last() && n.mayFly(f) {
		if last.first != f.sent+1 {
			*last = l.window.run(f.sent + 1)
		}
		prev, _ := c.log.label(f.sent)
		f.sent += partition.Seq(len(last.entries))
		f.fly(f.sent, last.bytes)
		f.timing.sends(f.sent, n.now)
		lane := Small
		if last.large {
			f.bulk = f.sent
		}
		if f.acked < f.bulk {
			lane = Bulk
		}
		n.sendRun(f, lane, last, Run{
			Partition: c.id, Term: l.term, Prev: prev, Commit: c.commit, Entries: last.entries,
		})
		f.asked = n.now
		if f.since == 0 {
			f.since = n.now
		}
	}
}

// sendRun puts a run into the Append for the follower's node, or into a new one
// where that has enough. A large one travels by itself: what is made of it for one
// node does for the next.
func (n *Node) sendRun(f *follower, lane Lane, of *run, r Run) {
	u, bytes := n.unsent(f.peer), of.bytes
	if of.large {
		if of.message == nil {
			of.message = &Append{Runs: []Run{r}}
		}
		n.send(f.id, lane, of.message)
		u.run[lane] = nil // what comes after it stays after it
		return
	}
	if u.run[lane] == nil || u.bytes[lane]+bytes > appendBytes+largeEntry {
		u.run[lane], u.bytes[lane] = &Append{Runs: make([]Run, 0, min(len(n.dirty), runsAhead))}, 0
		n.send(f.id, lane, u.run[lane])
	}
	u.run[lane].Runs = append(u.run[lane].Runs, r)
	u.bytes[lane] += bytes
}

// runsAhead is for how many runs an Append has room from the beginning, at most.
const runsAhead = 32

// onRun takes in entries as a follower.
func (n *Node) onRun(c *replica, from partition.NodeID, m *Run) {
	if from != c.row.Primary || c.lead != nil || len(m.Entries) == 0 {
		return
	}
	first, last := m.Entries[0].Label.Seq, c.log.last.Seq
	if c.mark != nil || first > last+1 {
		n.ack(from, Durable{Partition: c.id, Term: m.Term, Seq: c.durable, Gap: true})
		return
	}
	had := min(int(last+1-first), len(m.Entries))
	before := m.Prev
	if had > 0 {
		before = m.Entries[had-1].Label
	}
	if at, ok := c.log.label(before.Seq); ok && at != before {
		n.ack(from, Durable{Partition: c.id, Term: m.Term, Gap: true})
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
		n.ack(c.row.Primary, Durable{Partition: c.id, Term: c.row.Term, Seq: c.durable})
	}
}

// ack puts an acknowledgement into the Ack of the next Batch for a node. It goes
// with what it is for, but on the Control lane: it is short, and others wait for it.
func (n *Node) ack(to partition.NodeID, d Durable) {
	u := n.unsent(n.peer(to))
	if u.ack == nil || len(u.ack.Copies) >= ackCopies {
		u.ack = &Ack{Copies: make([]Durable, 0, min(len(n.acks)+1, runsAhead))}
		n.batch.Messages = append(n.batch.Messages, Outbound{To: to, Lane: Control, Message: u.ack})
	}
	u.ack.Copies = append(u.ack.Copies, d)
}

// ackChunk acknowledges a chunk in the same way.
func (n *Node) ackChunk(to partition.NodeID, m *ChunkAck) {
	n.unsent(n.peer(to)).ack = nil // what comes after it stays after it
	n.batch.Messages = append(n.batch.Messages, Outbound{To: to, Lane: Control, Message: m})
}

// onDurable takes in what a follower has made durable.
func (n *Node) onDurable(c *replica, f *follower, m *Durable) {
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
	if !slices.Contains(c.row.InSync, f.id) {
		n.reshape(c) // it may have caught up
	}
}

func (n *Node) markDirty(c *replica) {
	if !c.lead.dirty {
		c.lead.dirty = true
		n.dirty = append(n.dirty, c)
	}
}
