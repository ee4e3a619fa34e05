package replica

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

type phase uint8

const (
	recovering phase = iota // bringing all in-sync copies to one log
	serving
	released // blocked for too long; serves this term never again
)

// lead is this node's reign over one partition in one term.
type lead struct {
	term  partition.Term
	phase phase
	began time.Duration
	// fence is when every promise that this node had made when the term began,
	// and that a former primary may still read under, has run out. Until then a
	// silent in-sync copy may be such a primary and is not dropped.
	fence time.Duration
	first partition.Seq // of the term; set when serving

	followers []*follower // all other copies that matter, ascending by id
	// must are the followers that have to acknowledge and to grant: the in-sync
	// ones, the counted learners, and those of a proposed set.
	// Invariant: must >= row.InSync + every unresolved proposal's set - self.
	must []*follower

	window window
	keys   map[string]partition.Seq // newest entry of a key that is not committed
	ids    identities
	dirty  bool // has entries to send

	proposed *proposal // unresolved
	// sentTo are the nodes that a transfer was ever begun to in this term.
	sentTo   map[partition.NodeID]bool
	fetching time.Duration // when Fetch was sent last
	told     time.Duration // released: when that was said last
	// commitTold is the commit that all peers were last told.
	commitTold partition.Seq
}

// follower is another copy as the primary sees it.
type follower struct {
	*peer
	partition partition.ID
	stage     stage
	counted   bool     // a learner that must acknowledge and grant
	log       position // as last told
	mark      *partition.Mark
	query     uint64        // number of the last Query
	known     bool          // log is of this term
	acked     partition.Seq // durable there
	sent      partition.Seq // live: handed to it
	timing    timing
	flying    fifo[message] // not acknowledged
	held      bool          // it waits in flow.held
	asked     time.Duration // when something was last sent that wants an answer
	since     time.Duration // since when something has been unanswered; 0: nothing is
	resent    time.Duration // live: when what was sent was last taken for lost
	bulk      partition.Seq // entries up to here go by Bulk, behind a large one
	out       *outgoing     // the transfer to it
}

type stage uint8

const (
	probing  stage = iota // its position is asked for
	diverged              // the keys of its extra records are asked for
	sending               // a transfer is under way or waits for its turn
	live                  // it is sent entries as they come
)

// beginLead starts the reign that the map gives this node.
func (n *Node) beginLead(c *replica) {
	l := &lead{
		term: c.row.Term, began: n.now, fence: n.now,
		keys: make(map[string]partition.Seq), sentTo: make(map[partition.NodeID]bool),
	}
	c.lead = l
	for _, id := range c.row.InSync {
		if id == n.cfg.Self {
			continue
		}
		p := n.peer(id)
		l.fence = max(l.fence, p.promiseUntil, n.started+n.cfg.Grant)
	}
	n.reconcile(c)
	n.recover(c)
	n.reshape(c)
}

// endLead ends a reign: nobody who waits learns more than that it ended.
func (n *Node) endLead(c *replica) {
	l := c.lead
	if l == nil {
		return
	}
	c.lead = nil
	for _, f := range l.followers {
		n.stopTransfer(f)
		n.landAll(f)
	}
	n.failPending(c, l)
}

// failPending answers everybody who waits for an entry that is not committed.
func (n *Node) failPending(c *replica, l *lead) {
	for seq := c.commit + 1; seq <= l.window.last(); seq++ {
		l.window.at(seq).leave(func(w waiter) {
			err := partition.ErrUnknown
			if w.reads() {
				err = ErrRetry
			}
			n.answer(Answer{Ticket: w.ticket, Err: err})
		})
	}
}

// reconcile makes followers and must what row and proposal want.
func (n *Node) reconcile(c *replica) {
	l := c.lead
	for _, ids := range [][]partition.NodeID{c.row.InSync, c.row.Target} {
		for _, id := range ids {
			if id != n.cfg.Self && l.follower(id) == nil {
				f := &follower{peer: n.peer(id), partition: c.id}
				l.followers = append(l.followers, f)
				n.probe(c, f)
			}
		}
	}
	slices.SortFunc(l.followers, func(a, b *follower) int { return cmpID(a.id, b.id) })
	l.followers = slices.DeleteFunc(l.followers, func(f *follower) bool {
		keep := c.row.HasCopy(f.id) || f.counted && l.proposed != nil
		if !keep {
			n.stopTransfer(f)
			n.landAll(f)
		}
		return !keep
	})
	l.must = l.must[:0]
	for _, f := range l.followers {
		inSync := slices.Contains(c.row.InSync, f.id)
		if inSync {
			f.counted = false
		}
		if inSync || f.counted || l.proposed.names(f.id) {
			l.must = append(l.must, f)
		}
	}
	n.advance(c)
}

func cmpID(a, b partition.NodeID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (l *lead) follower(id partition.NodeID) *follower {
	for _, f := range l.followers {
		if f.id == id {
			return f
		}
	}
	return nil
}

// leasesRun reports whether the leases of all who must grant run.
func (n *Node) leasesRun(l *lead) bool {
	for _, f := range l.must {
		if !n.leased(f.peer, l.term) {
			return false
		}
	}
	return true
}

// advance commits what every copy that must has.
func (n *Node) advance(c *replica) {
	l := c.lead
	if l.phase != serving {
		return
	}
	upto := c.durable
	for _, f := range l.must {
		upto = min(upto, f.acked)
	}
	if upto <= c.commit {
		return
	}
	from := c.commit + 1
	c.commit = upto
	enough := len(c.row.InSync) >= c.row.MinInSync
	for seq := from; seq <= upto; seq++ {
		p := l.window.at(seq)
		if key := p.entry().Key; l.keys[string(key)] == seq {
			delete(l.keys, string(key))
		}
		p.leave(func(w waiter) { n.answerCommitted(c, p, w, enough) })
	}
	n.shrinkWindow(c)
}

// answerCommitted answers one who waited for an entry.
func (n *Node) answerCommitted(c *replica, p *pending, w waiter, enough bool) {
	a := Answer{Ticket: w.ticket}
	switch {
	case w.reads() && !n.leasesRun(c.lead):
		a.Err = ErrRetry
	case w.kind == waitRead:
		a.Record = p.state()
	case w.kind == waitUnchanged:
		a.Outcome = w.outcome
		a.Outcome.Commit = c.commit
	case !enough:
		a.Err = partition.ErrUnknown
	default:
		a.Outcome = p.outcome(c.commit)
	}
	n.answer(a)
}

// transferWindow is how many times WindowBytes a partition keeps while a transfer
// is under way: what is written meanwhile, so that the receiver can go live behind
// it. Config.Transfers bounds how many partitions do so at a time.
const transferWindow = 64

// shrinkWindow lets go of entries that nobody needs any more: committed, and with
// every live follower; beyond WindowBytes also those that only a learner needs.
func (n *Node) shrinkWindow(c *replica) {
	l := c.lead
	keep := c.commit
	for _, f := range l.followers {
		switch f.stage {
		case live:
			keep = min(keep, f.acked)
		case sending:
			keep = min(keep, f.out.from())
		}
	}
	l.window.drop(keep)
	limit := n.cfg.WindowBytes
	if len(n.transfers) > 0 && slices.ContainsFunc(l.followers, func(f *follower) bool { return f.stage == sending }) {
		limit *= transferWindow
	}
	for l.window.bytes > limit && l.window.base < c.commit {
		must := c.commit
		for _, f := range l.must {
			must = min(must, f.acked)
		}
		if l.window.base >= must {
			break
		}
		l.window.drop(l.window.base + 1)
	}
}
