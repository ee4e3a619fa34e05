package fsm

import "pipelinedht/partition"

// peerUp says that its proposer has started in the header's incarnation and
// listens at address. Where it is primary a new term begins, so that nothing of
// its earlier life counts. A repeat in the same incarnation may only change the
// address.
//
// Fields: address string.
type peerUp struct{ address string }

func (*peerUp) kind() commandKind  { return kindPeerUp }
func (c *peerUp) encode(w *writer) { w.string(c.address) }
func (c *peerUp) decode(r *reader) { c.address = r.string() }

func (c *peerUp) apply(d *draft) Refusal {
	if c.address == "" {
		return ErrInvalid
	}
	was, _ := d.current().Peer(d.by.proposer)
	if d.by.incarnation == was.Incarnation {
		if c.address != was.Address {
			d.peer(was.ID).Address = c.address
		}
		return 0
	}
	p := d.peer(was.ID)
	p.Incarnation, p.Address, p.UpAt = d.by.incarnation, c.address, d.version()
	d.wake(p)
	for i := range d.current().Table {
		if d.current().Table[i].Primary == was.ID {
			row := d.row(partition.ID(i))
			row.Epoch, row.Term = partition.Epoch(d.version()), partition.Term(d.version())
		}
	}
	return 0
}

// wake makes a silent peer active again, and plans with it if it was planned
// without; one that is leaving goes on with that.
func (d *draft) wake(p *partition.Peer) {
	p.Silent = false
	switch p.State {
	case partition.Replaced:
		d.replan = true
		fallthrough
	case partition.Down:
		p.State = partition.Active
	}
}

// turn is what peerState says of a peer; in the log, so append only.
type turn uint8

const (
	turnDown     turn = iota + 1 // silent
	turnBack                     // heard again
	turnReplaced                 // silent for long: plan without it
)

// peerState is the leader's word on whether a peer, in that incarnation, is
// heard. It steers status and planning, and what operators may do; safety never
// rests on it. A leaving peer is planned without anyway.
//
// Fields: id; incarnation uint; turn 1 byte.
type peerState struct {
	id          partition.NodeID
	incarnation partition.Incarnation
	turn        turn
}

func (*peerState) kind() commandKind { return kindPeerState }

func (c *peerState) encode(w *writer) {
	w.id(uint64(c.id))
	w.uint(uint64(c.incarnation))
	w.byte(byte(c.turn))
}

func (c *peerState) decode(r *reader) {
	c.id = partition.NodeID(r.id())
	c.incarnation = partition.Incarnation(r.uint())
	c.turn = turn(r.byte())
}

func (c *peerState) apply(d *draft) Refusal {
	was, ok := d.current().Peer(c.id)
	switch {
	case c.turn < turnDown || c.turn > turnReplaced:
		return ErrInvalid
	case !ok:
		return ErrUnknownPeer
	case was.Incarnation != c.incarnation:
		return ErrStale
	case c.turn == turnReplaced && was.State == partition.Active:
		return ErrNotDown
	}
	leaving := was.State == partition.Leaving
	switch {
	case c.turn == turnDown && leaving && !was.Silent:
		d.peer(c.id).Silent = true
		d.thinned = true
	case c.turn == turnDown && was.State == partition.Active:
		d.peer(c.id).State = partition.Down
		d.thinned = true
	case c.turn == turnBack && (was.Silent || was.State == partition.Down || was.State == partition.Replaced):
		d.wake(d.peer(c.id))
	case c.turn == turnReplaced && was.State == partition.Down:
		d.peer(c.id).State = partition.Replaced
		d.replan = true
	}
	return 0
}
