package replica

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

// A backup that acknowledges, but is slow for long while others are not, makes
// every write of its partitions slow. It is dropped from their in-sync sets, where
// the minimum stands without it, and fed as a learner; it comes back after a pause
// that doubles with each time, so that it does not come and go with every write.
//
// Slow is said of a node, by comparison: where all backups are slow the load is
// at fault, or this node, and dropping them would help nobody.

// slowness is what a primary makes of another node's acknowledgements.
type slowness struct {
	ackedAt time.Duration // when it last acknowledged anything
	took    time.Duration // what that took, as far as it was timed
	late    bool          // in this tick: an entry waits for it for Config.SlowAck
	// score rises by a tick's length in each in which it was late and another one
	// was not, and falls in each other one. At Config.Slow the peer is slow.
	score  time.Duration
	slow   bool
	until  time.Duration // slow: when it may be counted again
	pauses uint8         // how often that was doubled
}

// maxPauses bounds how often the pause is doubled: from 30 s to 4 minutes.
const maxPauses = 3

// timing is of the acknowledgements of one follower, one entry at a time.
type timing struct {
	entry partition.Seq // that is waited for; 0: none
	sent  time.Duration // when
}

// sends begins to time the newest entry that is sent, unless another one is timed.
func (t *timing) sends(seq partition.Seq, now time.Duration) {
	if t.entry == 0 {
		t.entry, t.sent = seq, now
	}
}

// acknowledges takes note that f has acknowledged up to f.acked.
func (n *Node) acknowledges(f *follower) {
	f.ackedAt = n.now
	if f.timing.entry != 0 && f.acked >= f.timing.entry {
		f.took, f.timing.entry = n.now-f.timing.sent, 0
	}
}

// noteLate takes down, in a tick, whether a live follower that must acknowledge
// something is late with it, or its node was the last time.
func (n *Node) noteLate(l *lead, f *follower) {
	late := f.took > n.cfg.SlowAck || f.timing.entry != 0 && n.now-f.timing.sent > n.cfg.SlowAck
	if late && f.since != 0 && slices.Contains(l.must, f) {
		f.late = true
	}
}

// judgeSlow ends a tick: it scores the peers, and forgives those whose pause is
// over. After a pause of this process it knows nothing of others.
func (n *Node) judgeSlow() {
	elapsed := n.now - n.ticked
	n.ticked = n.now
	prompt := false
	for _, p := range n.peers {
		prompt = prompt || !p.late && p.took <= n.cfg.SlowAck && p.ackedAt != 0 && n.now-p.ackedAt <= n.cfg.Silence
	}
	paused := elapsed > n.cfg.SlowAck
	for _, p := range n.peers {
		switch {
		case paused:
		case p.late && prompt:
			p.score = min(p.score+elapsed, n.cfg.Slow)
		default:
			p.score = max(p.score-elapsed, 0)
		}
		p.late = false
		switch {
		case !p.slow && p.score >= n.cfg.Slow:
			p.slow = true
			p.until = n.now + n.cfg.SlowPause<<p.pauses
			p.pauses = min(p.pauses+1, maxPauses)
		case p.slow && n.now >= p.until:
			p.slow, p.score = false, 0
		case !p.slow && p.score == 0 && p.pauses > 0 && n.now-p.until >= n.cfg.SlowPause<<p.pauses:
			p.pauses--
			p.until = n.now
		}
	}
}

// dropSlow proposes the in-sync set without a slow copy, where that leaves the
// minimum.
func (n *Node) dropSlow(c *replica) bool {
	if len(c.row.InSync) <= c.row.MinInSync {
		return false
	}
	for _, f := range c.lead.followers {
		if f.slow && slices.Contains(c.row.InSync, f.id) {
			stay := slices.DeleteFunc(slices.Clone(c.row.InSync), func(id partition.NodeID) bool { return id == f.id })
			n.propose(c, partition.Change{Primary: n.cfg.Self, InSync: stay}, false)
			return true
		}
	}
	return false
}
