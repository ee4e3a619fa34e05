package replica

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

// proposal is a change of one partition that this node has proposed or is about
// to. Until its outcome is known, the old and the proposed set must both
// acknowledge and both grant.
type proposal struct {
	change partition.Change
	copy   *replica
	from   *peer // a take-over: from whom
	// forced: service waits for it, since a copy that must acknowledge is silent.
	forced bool
	made   time.Duration
}

// names reports whether the proposed in-sync set has id.
func (p *proposal) names(id partition.NodeID) bool {
	return p != nil && slices.Contains(p.change.InSync, id)
}

// growGap is how many entries a learner may lack to be counted.
const growGap = 512

// tickLead watches over a reign.
func (n *Node) tickLead(c *replica) {
	l := c.lead
	for _, f := range l.followers {
		if l.resting(f) {
			n.rest(f)
		} else {
			n.tickFollower(c, f)
		}
	}
	if l.phase == recovering {
		n.recover(c)
	}
	if l.proposed != nil && broken(forgetUnknown) && n.now-l.proposed.made > n.cfg.Resend {
		l.proposed = nil
		n.reconcile(c)
	}
	blocked := l.proposed != nil && l.proposed.forced && l.phase == serving && n.now-l.proposed.made > n.cfg.Grant
	if blocked || l.phase == released && n.now-l.told >= n.cfg.Resend {
		n.release(c)
	}
	n.reshape(c)
}

// tickFollower repeats what may have been lost, but no entries to who is lost: all that
// are in memory would be encoded twice a second for nobody.
func (n *Node) tickFollower(c *replica, f *follower) {
	if f.stage == live {
		n.noteLate(c.lead, f)
		if f.acked < f.sent && n.overdue(f) && !n.lost(f.peer) {
			n.landAll(f)
			f.sent, f.resent = f.acked, n.now
			n.markDirty(c)
		}
		return
	}
	if n.now-f.asked < n.cfg.Resend {
		return
	}
	switch f.stage {
	case probing:
		if !f.known {
			n.askPosition(c, f)
		} else if c.lead.phase == serving && !slices.Contains(c.row.InSync, f.id) {
			n.catchUp(c, f)
		}
	case diverged:
		n.probe(c, f)
	case sending:
		if f.out.started && !f.out.building && n.chunkLost(f) {
			n.probe(c, f)
		}
	}
}

// overdue reports whether what a live follower was sent is taken for lost. Of a node
// that acknowledges other entries it is not so soon: it may be working off a queue.
func (n *Node) overdue(f *follower) bool {
	waited := n.now - max(f.since, f.resent)
	return waited >= n.cfg.Resend && (n.now-f.ackedAt >= n.cfg.Resend || waited >= 4*n.cfg.Resend)
}

// chunkLost reports whether a chunk, or its acknowledgement, is taken for lost. Of a node
// that acknowledges other things it is not so soon, as in overdue.
func (n *Node) chunkLost(f *follower) bool {
	waited := n.now - f.since
	return waited >= 2*n.cfg.Resend && (n.now-f.ackedAt >= 2*n.cfg.Resend || waited >= n.cfg.Stuck)
}

// silent reports whether service should go on without a copy: it grants nothing, or
// its store hangs. That an acknowledgement alone takes long is no silence, but a
// queue: with much to do others would have as long a one.
func (n *Node) silent(l *lead, f *follower) bool {
	if n.lost(f.peer) {
		return true
	}
	from := max(n.resumed, l.began)
	late := func(since time.Duration) bool { return n.now-max(since, from) > n.cfg.Silence }
	if late(max(f.granted, f.ackedAt)) || n.now-max(f.granted, from) > 2*n.cfg.Silence {
		return true
	}
	if f.since == 0 || f.stage == sending {
		return false
	}
	return f.stuck && late(max(f.since, f.ackedAt)) || n.now-max(f.since, from) > n.cfg.Stuck
}

// stuck reports whether this node's store has had something to take in for long,
// and did not.
func (n *Node) stuck() bool { return n.storing > 0 && n.now-n.storedAt > n.cfg.Silence }

// reshape proposes the next step from the in-sync set towards the target, or away
// from a copy that is silent. One step at a time.
func (n *Node) reshape(c *replica) {
	l := c.lead
	if l == nil || l.proposed != nil {
		return
	}
	if n.unfit(c) {
		return
	}
	if l.phase == released {
		n.propose(c, partition.Change{Primary: n.cfg.Self, InSync: c.row.InSync, NewTerm: true}, false)
		return
	}
	if n.dropSilent(c) || l.phase != serving {
		return
	}
	if n.dropSlow(c) || n.grow(c) || n.handOver(c) || n.dropStopping(c) {
		return
	}
	n.dropExtras(c)
}

// dropSilent proposes the in-sync set without those that are silent.
func (n *Node) dropSilent(c *replica) bool {
	l := c.lead
	if l.phase == recovering && n.now < l.fence {
		return false
	}
	useless := func(f *follower) bool {
		return n.silent(l, f) || f.known && f.mark != nil // marked: found damaged
	}
	lapsed := false
	for _, f := range l.followers {
		if f.counted && (f.stopping || f.full || f.slow || n.silent(l, f)) {
			f.counted, lapsed = false, true
		}
	}
	if lapsed {
		n.reconcile(c)
	}
	if !slices.ContainsFunc(l.must, useless) {
		return false
	}
	stay := slices.DeleteFunc(slices.Clone(c.row.InSync), func(id partition.NodeID) bool {
		f := l.follower(id)
		return f != nil && useless(f)
	})
	if len(stay) == len(c.row.InSync) {
		return false
	}
	n.propose(c, partition.Change{Primary: n.cfg.Self, InSync: stay}, true)
	return true
}

// responsive reports whether a live learner acknowledges and grants at present, so
// that nobody has to wait for it once it is counted. What a process that is gone
// has granted runs on for a while, and is no sign of life.
func (n *Node) responsive(l *lead, f *follower) bool {
	return !n.silent(l, f) && n.leased(f.peer, l.term) && (f.since == 0 || n.now-f.since < n.cfg.Beacon)
}

// grow counts learners that have caught up, and proposes the larger set. The
// order matters: a copy that is counted has every entry that is committed from
// then on, so the larger set holds every acknowledged write whenever it is
// applied.
func (n *Node) grow(c *replica) bool {
	l := c.lead
	var ids []partition.NodeID
	counted := false
	for _, f := range l.followers {
		if f.stage != live || f.stopping || f.full || f.slow || slices.Contains(c.row.InSync, f.id) || !slices.Contains(c.row.Target, f.id) {
			continue
		}
		if !f.counted && c.log.last.Seq-f.acked <= growGap && n.responsive(l, f) {
			f.counted, counted = true, true
		}
		if f.counted && (f.acked >= c.commit || broken(growUncounted)) {
			ids = append(ids, f.id)
		}
	}
	if counted && !broken(growUncounted) {
		n.reconcile(c)
	}
	if len(ids) == 0 {
		return false
	}
	set := append(ids, c.row.InSync...)
	slices.Sort(set)
	n.propose(c, partition.Change{Primary: n.cfg.Self, InSync: set}, false)
	return true
}

// handOver proposes the first copy of the target that can lead, if that is another
// one; of a node that stops or is full any copy. The old primary stays in the set: as long as
// it might not have seen the change, its acknowledgement and its word are asked
// for.
func (n *Node) handOver(c *replica) bool {
	l := c.lead
	candidates := c.row.Target
	if n.stopping || n.full {
		candidates = slices.Concat(c.row.Target, c.row.InSync)
	}
	for _, id := range candidates {
		if id == n.cfg.Self {
			if n.stopping || n.full {
				continue
			}
			return false
		}
		f := l.follower(id)
		if f != nil && f.stage == live && !f.slow && n.heir(c, id) && n.leased(f.peer, l.term) {
			n.propose(c, partition.Change{Primary: id, InSync: c.row.InSync}, false)
			return true
		}
	}
	return false
}

// dropExtras proposes the target alone once all of it is in sync, or all but
// peers that are down and the minimum stands.
func (n *Node) dropExtras(c *replica) {
	extra := func(id partition.NodeID) bool { return !slices.Contains(c.row.Target, id) }
	if extra(n.cfg.Self) || !slices.ContainsFunc(c.row.InSync, extra) {
		return
	}
	var stay []partition.NodeID
	for _, id := range c.row.InSync {
		if !extra(id) {
			stay = append(stay, id)
		}
	}
	for _, id := range c.row.Target {
		p, ok := n.m.Peer(id)
		if !slices.Contains(stay, id) && (!ok || p.State == partition.Active || len(stay) < c.row.MinInSync) {
			return
		}
	}
	n.propose(c, partition.Change{Primary: n.cfg.Self, InSync: stay}, false)
}

// propose hands a change of a led partition out.
func (n *Node) propose(c *replica, ch partition.Change, forced bool) {
	ch.Partition, ch.Epoch = c.id, c.row.Epoch
	p := proposal{change: ch, copy: c, forced: forced, made: n.now}
	c.lead.proposed = &p
	n.changes = append(n.changes, p)
	n.reconcile(c)
}

// Resolved says that the outcome of the Changes taken last is known and that
// SetMap was called with a map that shows it.
func (n *Node) Resolved(now time.Duration) {
	n.goOn(now)
	n.active = now
	done := n.inFlight
	n.inFlight = nil
	for _, p := range done {
		if p.from != nil {
			// Taken or not, and whoever has it by now: the map as it stands says so.
			p.from.taking--
			p.from.taken = max(p.from.taken, n.m.Version)
			p.copy.taking = false
			continue
		}
		l := p.copy.lead
		if l == nil || n.copy(p.copy.id) != p.copy || l.proposed == nil || l.proposed.change.Epoch != p.change.Epoch {
			continue
		}
		l.proposed = nil
		n.reconcile(p.copy)
		n.recover(p.copy)
		n.reshape(p.copy)
	}
}

// release gives the term up for good and says so, until another one has taken
// over: this node can neither go on without a silent copy nor have that agreed, or
// its own copy is damaged.
func (n *Node) release(c *replica) {
	l := c.lead
	if l.phase == serving {
		n.failPending(c, l)
	}
	l.phase, l.told = released, n.now
	for _, f := range l.must {
		n.send(f.id, Control, &Release{Partition: c.id, Term: l.term})
	}
}

func (n *Node) onRelease(c *replica, from partition.NodeID, m *Release) {
	if from == c.row.Primary {
		c.released = m.Term
	}
}
