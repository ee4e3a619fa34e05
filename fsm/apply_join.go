package fsm

import (
	"slices"

	"pipelinedht/partition"
)

// addPeer makes a node a peer, importing, and plans with it. It counts as the
// node's first PeerUp. Repeated with the same join id it changes nothing.
//
// A name is free unless a peer has it that is neither down nor leaving, at
// another address: nobody else can listen where the joiner does, so a live peer
// there is the joiner's own past. A peer whose name is taken over leaves, and is not
// waited for; what it alone has stays its own until an operator gives it up.
//
// Fields: id; join id; stamp uint; name, address string.
type addPeer struct {
	id            partition.NodeID
	joinID        uint64
	stamp         partition.Stamp
	name, address string
}

func (*addPeer) kind() commandKind { return kindAddPeer }

func (c *addPeer) encode(w *writer) {
	w.id(uint64(c.id))
	w.id(c.joinID)
	w.uint(uint64(c.stamp))
	w.string(c.name)
	w.string(c.address)
}

func (c *addPeer) decode(r *reader) {
	c.id = partition.NodeID(r.id())
	c.joinID = r.id()
	c.stamp = partition.Stamp(r.uint())
	c.name = r.string()
	c.address = r.string()
}

func (c *addPeer) apply(d *draft) Refusal {
	if c.id == 0 || c.joinID == 0 || !namable(c.name, c.address) {
		return ErrInvalid
	}
	m := d.current()
	if p, ok := m.Peer(c.id); ok {
		if p.JoinID == c.joinID {
			return 0
		}
		return ErrIDTaken
	}
	if _, barred := slices.BinarySearch(d.barred, c.joinID); barred || d.old.isGone(c.id) || joinedAs(m, c.joinID) {
		return ErrBarred
	}
	if m.Departing != 0 {
		return ErrDeparting
	}
	for _, p := range m.Peers {
		if p.Name != c.name || p.State == partition.Leaving {
			continue
		}
		if p.State == partition.Active && p.Address != c.address {
			return ErrNameTaken
		}
		d.remove(p.ID)
		d.peer(p.ID).Silent = true
	}
	peers := d.peers()
	i, _ := peerIndex(peers, c.id)
	next := d.edit()
	next.Peers = slices.Insert(peers, i, partition.Peer{
		ID: c.id, Name: c.name, Address: c.address, Incarnation: 1, Importing: true, JoinID: c.joinID, UpAt: d.version(),
	})
	next.Stamp = max(next.Stamp, c.stamp)
	d.replan, d.shrunk = true, true
	return 0
}

// joinedAs reports whether a peer came by that join.
func joinedAs(m *partition.Map, joinID uint64) bool {
	return slices.ContainsFunc(m.Peers, func(p partition.Peer) bool { return p.JoinID == joinID })
}

// abortJoin bars a join id for ever. If its peer has been added already it is
// refused: the joiner may have been counted on since, so the way back leads
// through RemovePeer. A peer that was added and dropped again is no obstacle.
//
// Fields: join id.
type abortJoin struct{ joinID uint64 }

func (*abortJoin) kind() commandKind  { return kindAbortJoin }
func (c *abortJoin) encode(w *writer) { w.id(c.joinID) }
func (c *abortJoin) decode(r *reader) { c.joinID = r.id() }

func (c *abortJoin) apply(d *draft) Refusal {
	if c.joinID == 0 {
		return ErrInvalid
	}
	if joinedAs(d.current(), c.joinID) {
		return ErrJoined
	}
	d.barred = with(d.barred, c.joinID)
	return 0
}

// importDone takes the importing mark off its proposer. No fields.
type importDone struct{}

func (*importDone) kind() commandKind { return kindImportDone }
func (*importDone) encode(*writer)    {}
func (*importDone) decode(*reader)    {}

func (*importDone) apply(d *draft) Refusal {
	if p, _ := d.current().Peer(d.by.proposer); p.Importing {
		d.peer(p.ID).Importing = false
	}
	return 0
}
