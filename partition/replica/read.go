package replica

import (
	"time"

	"pipelinedht/partition"
)

// CheckRead says whether what the caller has just read from the store of a key
// may be answered; term is that of the map row that the caller went by before it
// read. nil: yes. ErrPending: a write of the key is under way, so what
// was read could vanish; AwaitRead instead. partition.ErrNotPrimary: this node
// does not lead the partition. partition.ErrUnavailable: it does not serve now,
// or a lease has run out.
//
// It is the only check a read needs, and it must come after the reading: if no
// write of the key is pending now, what was read is committed; if this term is
// served now under running leases, no other has served in between. A reign that began
// after the reading does not vouch for it, hence term.
//
// now may be a reading from before the lock was taken, after that of the store.
func (n *Node) CheckRead(id partition.ID, term partition.Term, key []byte, now time.Duration) error {
	n.goOn(max(n.now, now))
	c, err := n.serves(id, term)
	if err != nil {
		return err
	}
	if broken(readWithoutCheck) {
		return nil
	}
	if _, ok := c.lead.keys[string(key)]; ok {
		return ErrPending
	}
	if !n.leasesRun(c.lead) {
		return errNoLease
	}
	return nil
}

// AwaitRead has an Answer for t come with the record that the newest pending write
// of the key makes, or with ErrRetry. It returns ErrRetry at once if no write is
// pending any more, and CheckRead's errors.
func (n *Node) AwaitRead(t Ticket, id partition.ID, term partition.Term, key []byte, now time.Duration) error {
	n.goOn(now)
	c, err := n.serves(id, term)
	if err != nil {
		return err
	}
	seq, ok := c.lead.keys[string(key)]
	if !ok {
		return ErrRetry
	}
	c.lead.window.at(seq).await(waiter{ticket: t, kind: waitRead})
	return nil
}

// Pending returns the keys above after and up to upto (none: all above after), in any
// order, of which a write is under way in a partition that this node leads.
func (n *Node) Pending(id partition.ID, after, upto []byte) (keys [][]byte) {
	c := n.copy(id)
	if c == nil || c.lead == nil {
		return nil
	}
	for key := range c.lead.keys {
		if key > string(after) && (len(upto) == 0 || key <= string(upto)) {
			keys = append(keys, []byte(key))
		}
	}
	return keys
}

// Leads returns the partitions that this node serves as primary, ascending.
func (n *Node) Leads() []partition.ID {
	var ids []partition.ID
	for c := range n.led {
		ids = append(ids, c.id)
	}
	return ids
}

// led yields the copies that this node serves as primary, ascending.
func (n *Node) led(yield func(*replica) bool) {
	for _, c := range n.copies {
		if c != nil && c.lead != nil && c.lead.phase == serving && !yield(c) {
			return
		}
	}
}
