package replica

import "pipelinedht/partition"

// Recovery of a new term: ask every other in-sync copy where it stands, adopt the
// longest log, bring everybody there, serve. Nothing that an in-sync copy holds
// is ever undone. A copy that answers has seen the new term, so it neither
// serves nor acknowledges an older one; one that stays silent is proposed out,
// but not before the fence (see lead.fence).

// recover takes recovery as far as it goes now.
func (n *Node) recover(c *replica) {
	l := c.lead
	if l.phase != recovering || c.unstored > 0 || l.proposed != nil {
		return
	}
	if n.unfit(c) {
		n.release(c) // another copy shall lead
		return
	}
	longest := c.log.last
	var ahead *follower
	for _, f := range l.must {
		if !f.known || f.mark != nil {
			return
		}
		if f.log.last.Compare(longest) > 0 {
			longest, ahead = f.log.last, f
		}
	}
	if ahead != nil {
		n.fetch(c, ahead)
		return
	}
	even := true
	for _, f := range l.must {
		if f.log.last != c.log.last {
			even = false
			n.bringUp(c, f)
		}
	}
	if even {
		n.serve(c)
	}
}

// fetch asks the copy with the longest log for what is missing here.
func (n *Node) fetch(c *replica, f *follower) {
	l := c.lead
	if l.fetching == 0 || n.now-l.fetching >= n.cfg.Resend {
		l.fetching = n.now
		n.send(f.id, Small, &Fetch{Partition: c.id, Term: l.term, After: c.log.last})
	}
}

// bringUp sends an in-sync copy all that it lacks, in one piece.
func (n *Node) bringUp(c *replica, f *follower) {
	if f.out == nil {
		n.startTransfer(c, f, transferPlan{whole: true, after: f.log.last})
	}
}

// serve ends recovery: all in-sync copies have the same log, so all of it is
// committed.
func (n *Node) serve(c *replica) {
	l := c.lead
	l.phase = serving
	l.first = c.log.last.Seq + 1
	l.window.reset(c.log.last.Seq)
	l.ids.begin(&c.log, n.now)
	c.commit = c.log.last.Seq
	for _, f := range l.must {
		f.goLive(c.log.last.Seq)
	}
	for _, f := range l.followers {
		if f.stage == probing && f.known {
			n.catchUp(c, f)
		}
	}
	n.reshape(c)
}

// goLive begins to feed f, which has everything up to seq.
func (f *follower) goLive(seq partition.Seq) {
	f.stage, f.acked, f.sent, f.since, f.timing = live, seq, seq, 0, timing{}
}

// followLive feeds f, which was found to have everything up to seq: that may be
// what a commit has waited for.
func (n *Node) followLive(c *replica, f *follower, seq partition.Seq) {
	f.goLive(seq)
	n.markDirty(c)
	n.advance(c)
	n.reshape(c)
}

// probe asks a follower where it stands.
func (n *Node) probe(c *replica, f *follower) {
	n.stopTransfer(f)
	n.landAll(f)
	f.stage, f.known, f.bulk = probing, false, 0
	n.lastTransfer++
	f.query = n.lastTransfer
	n.askPosition(c, f)
}

func (n *Node) askPosition(c *replica, f *follower) {
	f.ask(n)
	n.send(f.id, Small, &Query{Partition: c.id, Term: c.row.Term, Number: f.query})
}

// ask notes that something was sent that wants an answer.
func (f *follower) ask(n *Node) {
	f.asked = n.now
	if f.since == 0 {
		f.since = n.now
	}
}

// onQuery notes that the primary wants to know where this copy stands.
func (n *Node) onQuery(c *replica, from partition.NodeID, m *Query) {
	if from == c.row.Primary {
		c.query = m
		c.lastTransfer = max(c.lastTransfer, m.Number)
		if c.incoming != nil && c.incoming.number < m.Number {
			c.incoming = nil
		}
		n.answerQuery(c)
	}
}

// answerQuery answers an open Query once everything that was accepted is stored.
func (n *Node) answerQuery(c *replica) {
	if c.query == nil || c.unstored > 0 {
		return
	}
	if c.query.Term == c.row.Term && c.lead == nil {
		n.send(c.row.Primary, Small, &Position{
			Partition: c.id, Term: c.row.Term, Number: c.query.Number, Position: c.position(),
		})
	}
	c.query = nil
}

// onPosition takes in where a follower stands.
func (n *Node) onPosition(c *replica, f *follower, m *Position) {
	if m.Position.Mark != nil && c.isNews(f, m) {
		n.heardDamage(c, f, m.Position.Mark)
		return
	}
	unasked := m.Number == 0 && !c.lead.sentTo[f.id]
	if f.stage != probing || f.known || m.Number != f.query && !unasked {
		return
	}
	f.known, f.since = true, 0
	if !n.leased(f.peer, c.lead.term) && n.now-f.beaconSent >= n.cfg.Beacon/5 {
		n.beacon(f.peer) // it has come up: no need to wait for the next turn
	}
	f.mark = m.Position.Mark
	f.log = position{
		last: m.Position.Last, start: max(m.Position.LogStart, 1),
		terms: m.Position.Terms, stamp: m.Position.Stamp,
	}
	switch c.lead.phase {
	case recovering:
		n.recover(c)
	case serving:
		n.catchUp(c, f)
	}
}

// onFetch answers the new primary, which has the shorter log, with everything
// after its last label.
func (n *Node) onFetch(c *replica, from partition.NodeID, m *Fetch) {
	if at, ok := c.log.label(m.After.Seq); from != c.row.Primary || c.unstored > 0 || !ok || at != m.After {
		return
	}
	n.lastTransfer++
	n.job(Job{
		Kind: JobTransfer, Partition: c.id, Term: m.Term, Transfer: n.lastTransfer,
		To: from, Whole: true, After: m.After,
	})
}
