package replica

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

// A transfer brings another copy to where this one stands, in chunks that the
// host reads from a view of the store. Few chunks are unacknowledged at a time,
// so a transfer takes constant memory however large the copy.

// chunkAhead is how many chunks of a transfer may be unacknowledged.
const chunkAhead = 3

// maxExtra bounds the keys of extra records, in number and bytes, that a learner
// is brought up with; beyond it gets a snapshot.
const (
	maxExtra      = 4096
	maxExtraBytes = 512 << 10
)

// transferPlan says what a transfer is to bring.
type transferPlan struct {
	reset bool            // the whole copy
	whole bool            // in one chunk
	after partition.Label // else: what comes after
	extra [][]byte        // and the present state of these keys
}

// outgoing is a transfer as its sender sees it.
type outgoing struct {
	number   uint64
	plan     transferPlan
	started  bool
	building bool            // the host has a job for it
	hold     partition.Seq   // the view will stand here or later
	at       partition.Label // where the view stands; known with the first chunk
	built    int             // chunks sent
	acked    int             // chunks durable at the receiver
	total    int             // 0 until the last one is built
}

// from returns the sequence after which the receiver will want entries.
func (o *outgoing) from() partition.Seq {
	return max(o.hold, o.at.Seq)
}

// catchUp decides how a learner whose position is known gets what it lacks.
func (n *Node) catchUp(c *replica, f *follower) {
	if c.lead.resting(f) {
		return
	}
	if f.mark != nil && c.lead.proposed.names(f.id) {
		return // found damaged when it was proposed: if it gets in, it is dropped first
	}
	shared, ok := common(&c.log, &f.log)
	if f.mark != nil {
		ok = ok && !f.mark.Fresh
		if f.mark.Common < shared.Seq {
			shared, ok = labelOf(&c.log, f.mark.Common, ok)
		}
	}
	if !ok || shared.Seq+1 < c.log.start {
		n.startTransfer(c, f, transferPlan{reset: true})
		return
	}
	if f.mark == nil && shared == f.log.last {
		if shared.Seq >= c.lead.window.base && c.lead.phase == serving {
			n.followLive(c, f, shared.Seq)
			return
		}
		n.startTransfer(c, f, transferPlan{after: shared})
		return
	}
	f.stage = diverged
	f.log.last = shared
	f.ask(n)
	n.send(f.id, Small, &AskExtra{Partition: c.id, Term: c.row.Term, After: shared.Seq})
}

func labelOf(log *position, seq partition.Seq, ok bool) (partition.Label, bool) {
	l, there := log.label(seq)
	return l, ok && there
}

// onAskExtra has the keys looked up that this learner's log touched.
func (n *Node) onAskExtra(c *replica, from partition.NodeID, m *AskExtra) {
	if from == c.row.Primary && c.unstored == 0 {
		n.job(Job{
			Kind: JobExtra, Partition: c.id, Term: m.Term, To: from,
			After: partition.Label{Seq: m.After},
		})
	}
}

// FoundExtra takes in the keys of the log records after after that a JobExtra
// found, each once.
func (n *Node) FoundExtra(id partition.ID, term partition.Term, after partition.Seq, keys [][]byte, now time.Duration) {
	n.goOn(now)
	c := n.copy(id)
	if c == nil || c.row.Term != term || c.lead != nil {
		return
	}
	if c.mark != nil {
		keys = append(keys, c.mark.Extra...)
	}
	bytes := 0
	for _, k := range keys {
		bytes += len(k)
	}
	e := &Extra{Partition: id, Term: term, After: after, Keys: keys}
	if c.mark != nil && c.mark.Fresh || len(keys) > maxExtra || bytes > maxExtraBytes {
		e.Keys, e.TooMany = nil, true
	}
	c.extra = e
	n.send(c.row.Primary, Bulk, e)
}

func (n *Node) onExtra(c *replica, f *follower, m *Extra) {
	switch {
	case f.stage != diverged || m.After != f.log.last.Seq:
	case m.TooMany:
		n.startTransfer(c, f, transferPlan{reset: true})
	default:
		n.startTransfer(c, f, transferPlan{after: f.log.last, extra: m.Keys})
	}
}

// startTransfer begins a transfer, or has it wait for a place.
func (n *Node) startTransfer(c *replica, f *follower, plan transferPlan) {
	n.stopTransfer(f)
	n.lastTransfer++
	f.stage = sending
	f.out = &outgoing{number: n.lastTransfer, plan: plan}
	if plan.whole || len(n.transfers) < n.places() {
		n.runTransfer(c, f)
		return
	}
	n.waiting = append(n.waiting, f)
}

func (n *Node) runTransfer(c *replica, f *follower) {
	o := f.out
	o.started, o.building, o.hold = true, true, c.durable
	n.transfers[o.number] = f
	c.lead.sentTo[f.id] = true
	f.ask(n)
	n.job(Job{
		Kind: JobTransfer, Partition: c.id, Term: c.row.Term, Transfer: o.number, To: f.id,
		Reset: o.plan.reset, Whole: o.plan.whole, After: o.plan.after, Extra: o.plan.extra,
		Urgent: len(c.row.InSync) < c.row.MinInSync,
	})
}

// stopTransfer gives up the transfer to f, if any, and lets the next one run.
func (n *Node) stopTransfer(f *follower) {
	o := f.out
	if o == nil {
		return
	}
	f.out = nil
	if !o.started {
		n.waiting = slices.DeleteFunc(n.waiting, func(g *follower) bool { return g == f })
		return
	}
	delete(n.transfers, o.number)
	if o.total == 0 {
		n.job(Job{Kind: JobCancel, Partition: f.partition, Transfer: o.number})
	}
	for len(n.waiting) > 0 && len(n.transfers) < n.places() {
		g := n.waiting[0]
		n.waiting = n.waiting[1:]
		if c := n.copy(g.partition); c != nil && c.lead != nil && g.out != nil {
			n.runTransfer(c, g)
		}
	}
}

// Built takes in a chunk that a JobTransfer or JobNext made; err says why there is
// none.
func (n *Node) Built(job Job, m *Chunk, err error, now time.Duration) {
	n.goOn(now)
	c := n.copy(job.Partition)
	if c == nil || c.row.Term != job.Term {
		return
	}
	f := n.transfers[job.Transfer]
	if f == nil {
		if err == nil && c.lead == nil && job.Whole && job.To == c.row.Primary {
			n.send(job.To, Bulk, m) // answers a Fetch
		}
		return
	}
	if err != nil {
		// Asked again on a Tick: what cannot be read now may be so for long.
		n.stopTransfer(f)
		f.stage, f.known, f.asked = probing, false, n.now
		return
	}
	o := f.out
	o.building = false
	o.built++
	if m.Head != nil {
		o.at = m.Head.Position.Last
	}
	if m.Last {
		o.total = m.Index + 1
	}
	n.send(f.id, Bulk, m)
	f.ask(n)
	n.nextChunk(c, f)
}

// nextChunk has another chunk built while few are unacknowledged; one at a time,
// so that they come in order.
func (n *Node) nextChunk(c *replica, f *follower) {
	o := f.out
	if o.total == 0 && !o.building && o.built-o.acked < n.ahead() {
		o.building = true
		n.job(Job{
			Kind: JobNext, Partition: c.id, Term: c.row.Term, Transfer: o.number, To: f.id,
			Whole: o.plan.whole,
		})
	}
}

// onChunkAck notes that a chunk is durable at the receiver.
func (n *Node) onChunkAck(c *replica, f *follower, m *ChunkAck) {
	o := f.out
	if o == nil || m.Transfer != o.number || m.Index != o.acked {
		return
	}
	o.acked++
	f.since, f.ackedAt = n.now, n.now
	if o.total == 0 || o.acked < o.total {
		n.nextChunk(c, f)
		return
	}
	at := o.at
	n.stopTransfer(f)
	f.since = 0
	f.stage, f.log.last, f.mark = probing, at, nil
	switch {
	case c.lead.phase == recovering:
		n.recover(c)
	case at.Seq >= c.lead.window.base:
		n.followLive(c, f, at.Seq)
	default:
		n.startTransfer(c, f, transferPlan{after: at})
	}
}
