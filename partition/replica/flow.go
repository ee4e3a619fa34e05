package replica

import "pipelinedht/partition"

// What a node is sent and has not acknowledged is bounded, whatever the number of
// partitions: it can then acknowledge within the time that it takes to store so
// much, and is not taken for silent because of what stands in line; and neither it
// nor the connection to it has more to hold. What is beyond stays in the windows
// here, where Host bounds what clients have under way.

// flow is of entries on their way to one node.
type flow struct {
	flight int         // bytes sent and not acknowledged
	held   []*follower // those that have more to be sent, in order; each bears the mark held
}

// message is one with entries that a follower has not acknowledged.
type message struct {
	upto  partition.Seq
	bytes int
}

// mayFly reports whether f may be sent more now. If not, it will be when its node
// has acknowledged enough.
func (n *Node) mayFly(f *follower) bool {
	if f.flight == 0 || f.flight < n.cfg.PeerBytes {
		return true
	}
	if !f.held {
		f.held = true
		f.peer.held = append(f.peer.held, f)
	}
	return false
}

// fly takes note that f is sent a message with entries.
func (f *follower) fly(upto partition.Seq, bytes int) {
	f.flying.push(message{upto, bytes})
	f.flight += bytes
}

// land takes note that what f was sent up to seq is acknowledged, or lost.
func (n *Node) land(f *follower, seq partition.Seq) {
	before := f.flying.len()
	for f.flying.len() > 0 && f.flying.at(0).upto <= seq {
		f.flight -= f.flying.at(0).bytes
		f.flying.pop()
	}
	if f.flying.len() == before || f.flight >= n.cfg.PeerBytes || len(f.peer.held) == 0 {
		return
	}
	held := f.peer.held
	f.peer.held = nil
	for _, g := range held {
		g.held = false
		if c := n.copy(g.partition); c != nil && c.lead != nil && c.lead.follower(g.id) == g {
			n.markDirty(c)
		}
	}
}

// landAll takes everything that f was sent for lost, or of no matter any more.
func (n *Node) landAll(f *follower) { n.land(f, ^partition.Seq(0)) }
