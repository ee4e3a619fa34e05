package replica

import (
	"time"

	"pipelinedht/partition"
)

// earlyMessage came for a term, or a copy, that this node's map does not show yet.
type earlyMessage struct {
	from partition.NodeID
	m    copyMessage
	came time.Duration
}

// maxEarly bounds the messages kept for maps to come; those beyond are lost, and
// their senders repeat them.
const maxEarly = 2048

// Receive takes in a message of another node. The message and its byte slices are
// kept.
func (n *Node) Receive(from partition.NodeID, inc partition.Incarnation, m Message, now time.Duration) {
	n.goOn(now)
	if !n.up {
		if b, ok := m.(*Beacon); ok && broken(grantBeforeUp) {
			n.onBeacon(n.peer(from), b)
		}
		return
	}
	p := n.peer(from)
	if inc < p.inc {
		return
	}
	p.gone, p.unanswered = false, 0
	if inc > p.inc {
		n.restarted(p, inc)
	}
	switch m := m.(type) {
	case *Beacon:
		n.onBeacon(p, m)
	case *Grant:
		n.onGrant(p, m)
	case *Append:
		for i := range m.Runs {
			n.receive(from, &m.Runs[i], now)
		}
	case *Ack:
		for i := range m.Copies {
			n.receive(from, &m.Copies[i], now)
		}
	case copyMessage:
		n.receive(from, m, now)
	}
}

// restarted takes note of a peer's new incarnation: what was sent to the old one
// and not acknowledged is lost, so its followers are asked anew where they stand.
func (n *Node) restarted(p *peer, inc partition.Incarnation) {
	first := p.inc == 0
	p.inc, p.stopping = inc, false
	for _, c := range n.copies {
		if first || c == nil || c.lead == nil {
			continue
		}
		if f := c.lead.follower(p.id); f != nil {
			n.probe(c, f)
		}
	}
}

// receive takes in a message about a partition, if it is of the present term.
func (n *Node) receive(from partition.NodeID, m copyMessage, came time.Duration) {
	n.active = n.now
	id, term := m.about()
	if int(id) >= len(n.copies) {
		return
	}
	c := n.copies[id]
	var known partition.Term
	if c != nil {
		known = c.row.Term
	} else {
		known = n.m.Table[id].Term
	}
	if _, ok := m.(*Durable); ok && c != nil && broken(ackAcrossTerms) {
		term = known
	}
	switch {
	case term == known && c != nil:
		n.dispatch(c, from, m)
	case term >= known && len(n.early) < maxEarly:
		n.early = append(n.early, earlyMessage{from, m, came})
	}
}

// replayEarly tries the kept messages on the new map. Those kept for long have
// been repeated since.
func (n *Node) replayEarly() {
	early := n.early
	n.early = nil
	for _, e := range early {
		if n.now-e.came < n.cfg.Resend {
			n.receive(e.from, e.m, e.came)
		}
	}
}

func (n *Node) dispatch(c *replica, from partition.NodeID, m copyMessage) {
	if drop, ok := m.(*Drop); ok {
		n.onDrop(c, drop)
		return
	}
	if c.detached != 0 {
		return
	}
	switch m := m.(type) {
	case *Run:
		n.onRun(c, from, m)
	case *Chunk:
		n.onChunk(c, from, m)
	case *Query:
		n.onQuery(c, from, m)
	case *Fetch:
		n.onFetch(c, from, m)
	case *AskExtra:
		n.onAskExtra(c, from, m)
	case *Release:
		n.onRelease(c, from, m)
	}
	if c.lead == nil {
		return
	}
	if d, ok := m.(*Detached); ok {
		n.onDetached(c, from, d)
		return
	}
	f := c.lead.follower(from)
	if f == nil {
		return
	}
	switch m := m.(type) {
	case *Durable:
		n.onDurable(c, f, m)
	case *ChunkAck:
		n.onChunkAck(c, f, m)
	case *Position:
		n.onPosition(c, f, m)
	case *Extra:
		n.onExtra(c, f, m)
	}
}

// Refused says that the peer's address refuses connections: its process is gone.
func (n *Node) Refused(peer partition.NodeID, now time.Duration) {
	n.goOn(now)
	n.active = now
	n.peer(peer).gone = true
}

// Lost says that a connection to the peer broke, so messages may be lost: its
// followers are asked anew where they stand.
func (n *Node) Lost(peer partition.NodeID, now time.Duration) {
	n.goOn(now)
	for _, c := range n.copies {
		if c == nil || c.lead == nil {
			continue
		}
		if f := c.lead.follower(peer); f != nil && (f.stage != live || f.acked < f.sent) {
			n.probe(c, f)
		}
	}
}
