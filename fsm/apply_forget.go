package fsm

import (
	"slices"

	"pipelinedht/partition"
)

// forgetPeer is an operator's word that a peer is gone for good. It must not be
// heard. Like one that leaves it is dropped with its last copy, which the others
// see to; what it alone has is given up if the operator says so, and else a reason
// to refuse. A peer that was removed before and is not heard is one to forget, too:
// for what it alone has.
//
// A partition that is given up begins anew, empty, with a live peer: see bearAnew.
// That peer must not run any more that is said to be gone: alone in its in-sync
// sets it needs nobody's lease, so one that is merely cut off serves on until it
// hears of this.
//
// Fields: id; bool, give up what it alone has.
type forgetPeer struct {
	id     partition.NodeID
	giveUp bool
}

func (*forgetPeer) kind() commandKind { return kindForgetPeer }

func (c *forgetPeer) encode(w *writer) {
	w.id(uint64(c.id))
	w.bool(c.giveUp)
}

func (c *forgetPeer) decode(r *reader) {
	c.id = partition.NodeID(r.id())
	c.giveUp = r.bool()
}

func (c *forgetPeer) apply(d *draft) Refusal {
	m := d.current()
	peer, ok := m.Peer(c.id)
	if !ok {
		return ErrUnknownPeer
	}
	only := m.OnlyWith(c.id)
	switch {
	case !m.Away(c.id):
		return ErrNotDown
	case !d.anotherStays(c.id):
		return ErrLastPeer
	case len(only) > 0 && !c.giveUp:
		return ErrLastCopy
	}
	if peer.State != partition.Leaving {
		d.remove(c.id)
	}
	d.lost = only
	return 0
}

// bearAnew begins the partitions that were given up anew: each under a new term,
// with one empty copy on a live peer, at best one of its target. Born tells that
// copy, and every other one that ever returns, that what it holds is void.
func (d *draft) bearAnew() {
	for i, p := range d.lost {
		at := d.birthplace(p, i)
		row := d.row(p)
		row.Primary, row.InSync, row.MinInSync = at, []partition.NodeID{at}, 1
		row.Epoch, row.Term = partition.Epoch(d.version()), partition.Term(d.version())
		row.Born = d.version()
	}
}

// birthplace chooses the peer for the i-th partition to begin anew. There is one,
// by anotherStays.
func (d *draft) birthplace(p partition.ID, i int) partition.NodeID {
	m := d.current()
	var active []partition.NodeID
	for _, peer := range m.Peers {
		if peer.State == partition.Active && d.hasComeUp(peer) {
			active = append(active, peer.ID)
		}
	}
	for _, id := range m.Table[p].Target {
		if slices.Contains(active, id) {
			return id
		}
	}
	return active[i%len(active)]
}
