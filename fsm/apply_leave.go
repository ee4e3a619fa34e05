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
	case !anotherActive(m, c.id):
		return ErrLastPeer
	case leaver.State != partition.Active && holdsLastCopy(m, c.id):
		return ErrLastCopy
	}
	d.peer(c.id).State = partition.Leaving
	d.replan, d.shrunk = true, true
	return 0
}

func anotherActive(m *partition.Map, but partition.NodeID) bool {
	for _, p := range m.Peers {
		if p.ID != but && p.State == partition.Active {
			return true
		}
	}
	return false
}

func holdsLastCopy(m *partition.Map, id partition.NodeID) bool {
	for i := range m.Table {
		if in := m.Table[i].InSync; len(in) == 1 && in[0] == id {
			return true
		}
	}
	return false
}
