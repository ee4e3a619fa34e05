package replica

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

// replica is this node's copy of one partition.
type replica struct {
	id  partition.ID
	row *partition.Row // of the node's map; nil until one has it

	log      position
	durable  partition.Seq // the log is stored up to here
	commit   partition.Seq // known to be on every in-sync copy
	unstored int           // writes handed out and not yet stored
	mark     *partition.Mark

	// damaged: see Damaged; damageStored: the store has a mark that says so, or will.
	damaged, damageStored bool
	damageTold            time.Duration // when the primary was told last

	// detached is since which ring version the map has no place for this copy; 0:
	// it has one. A detached copy takes part in nothing.
	detached partition.Version
	asked    time.Duration // when the primary was asked last whether to drop it

	termApplied time.Duration  // when the row's term was seen first
	released    partition.Term // a term that its primary gave up

	// As a follower.
	ackDue   bool
	query    *Query    // to be answered once everything is stored
	incoming *incoming // the transfer being taken in
	extra    *Extra    // the last answer to AskExtra
	// lastTransfer is the newest number of a transfer begun in this term, so that
	// a straggling chunk does not begin an old one again.
	lastTransfer uint64

	// As primary of the row's term.
	lead *lead

	// taking: this node has proposed to take the partition over.
	taking bool
}

func newReplica(id partition.ID, pos partition.Position) *replica {
	return &replica{
		id: id,
		log: position{
			last: pos.Last, start: max(pos.LogStart, 1), terms: pos.Terms, stamp: pos.Stamp,
		},
		durable: pos.Last.Seq, commit: pos.Commit, mark: pos.Mark,
		// Found so at the start, or a transfer of the whole copy was cut short.
		damaged: pos.Mark != nil && pos.Mark.Fresh,
	}
}

// position returns what a Position message says of c.
func (c *replica) position() partition.Position {
	pos := partition.Position{
		Last: c.log.last, LogStart: c.log.start, Terms: slices.Clone(c.log.terms),
		Stamp: c.log.stamp, Commit: c.commit,
	}
	switch {
	case c.damaged:
		pos.Mark = &partition.Mark{Fresh: true}
	case c.mark != nil:
		pos.Mark = &partition.Mark{Common: c.mark.Common, Fresh: c.mark.Fresh}
	}
	return pos
}

// append takes entries into the log and hands out the write, trimming the log
// where it has grown long.
func (n *Node) append(c *replica, entries []partition.Entry) {
	for i := range entries {
		c.log.add(&entries[i].LogRecord)
	}
	n.write(c, Write{Entries: entries, Trim: n.trim(c)})
}

// trim cuts the log to Config.LogRecords once it is half as long again, and says
// where. Records above the known commit are never cut.
func (n *Node) trim(c *replica) partition.Seq {
	keep := partition.Seq(n.cfg.LogRecords)
	if c.log.last.Seq+1-c.log.start < keep+keep/2 || c.mark != nil || c.lead != nil && c.lead.ids.holds(&c.log, n.now) {
		return 0
	}
	upto := min(c.commit, c.log.last.Seq-keep)
	if upto < c.log.start {
		return 0
	}
	c.log.trim(upto)
	if c.lead != nil {
		c.lead.ids.evict(upto, c.log.last.Seq, n.now)
	}
	return upto
}
