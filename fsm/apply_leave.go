package fsm

import "pipelinedht/partition"

// departing bars AddPeer while the only node of this cluster joins another one.
//
// Fields: join id.
type departing struct{ joinID uint64 }

func (*departing) kind() commandKind  { return kindDeparting }
func (c *departing) encode(w *writer) { w.id(c.joinID) }
func (c *departing) decode(r *reader) { c.joinID = r.id() }

func (c *departing) apply(d *draft) Refusal {
	m := d.current()
	switch {
	case c.joinID == 0:
		return ErrInvalid
	case m.Departing == c.joinID:
		return 0
	case m.Departing != 0:
		return ErrDeparting
	case len(m.Peers) != 1:
		return ErrNotAlone
	}
	d.edit().Departing = c.joinID
	return 0
}

// stay lifts the departing of the same join id. None standing is as good.
//
// Fields: join id.
type stay struct{ joinID uint64 }

func (*stay) kind() commandKind  { return kindStay }
func (c *stay) encode(w *writer) { w.id(c.joinID) }
func (c *stay) decode(r *reader) { c.joinID = r.id() }

func (c *stay) apply(d *draft) Refusal {
	switch d.current().Departing {
	case 0:
		return 0
	case c.joinID:
		d.edit().Departing = 0
		return 0
	}
	return ErrDeparting
}

// removePeer marks a peer leaving and plans without it; it is dropped with its
// last copy. A live peer may leave as long as another live one stays, to which
// it can hand over everything; a silent one only if every partition has an
// in-sync copy elsewhere.
//
// Fields: id.
type removePeer struct{ id partition.NodeID }

func (*removePeer) kind() commandKind  { return kindRemovePeer }
func (c *removePeer) encode(w *writer) { w.id(uint64(c.id)) }
func (c *removePeer) decode(r *reader) { c.id = partition.NodeID(r.id()) }

func (c *removePeer) apply(d *draft) Refusal {
	m := d.current()
	leaver, ok := m.Peer(c.id)
	switch {
	case !ok:
		return ErrUnknownPeer
	case leaver.State == partition.Leaving:
		return 0
	case !d.anotherStays(c.id):
		return ErrLastPeer
	case leaver.State != partition.Active && len(m.OnlyWith(c.id)) > 0:
		return ErrLastCopy
	}
	d.remove(c.id)
	return 0
}

// anotherStays reports whether another active peer stays, one that has shown that
// it is there.
func (d *draft) anotherStays(but partition.NodeID) bool {
	for _, p := range d.current().Peers {
		if p.ID != but && p.State == partition.Active && d.hasComeUp(p) {
			return true
		}
	}
	return false
}

// hasComeUp tells a peer that has done something in the cluster from one that was
// added, which counts as its first start, and may never have heard of it.
func (d *draft) hasComeUp(p partition.Peer) bool {
	if !p.Importing || p.Incarnation > 1 || holdsInSync(d.current(), p.ID) {
		return true
	}
	last, _ := d.old.progressOf(p.ID)
	return last.number > 0 || p.ID == d.by.proposer
}

// remove marks a peer leaving; if it was not heard lately it is not waited for.
func (d *draft) remove(id partition.NodeID) {
	p := d.peer(id)
	p.Silent = p.State == partition.Down || p.State == partition.Replaced
	p.State = partition.Leaving
	d.replan, d.shrunk = true, true
}
