package fsm

import (
	"slices"

	"pipelinedht/partition"
)

// State is everything that the log has decided. A State is immutable: apply
// makes the next one, which shares what did not change.
type State struct {
	// Map is nil until the cluster is founded.
	Map *partition.Map
	// last is what each peer did last. Invariant: parallel to Map.Peers.
	last []progress
	// barred are the join ids that were aborted, ascending; 8 bytes for each.
	barred []uint64
	// gone are the peers that were dropped, ascending; 8 bytes for each. Their ids
	// are not reused, so a straggling AddPeer brings none back, and each of them
	// can be told for certain that it is out.
	gone []partition.NodeID
}

// progress is the last command of one proposer and what became of it.
type progress struct {
	incarnation partition.Incarnation
	number      uint64
	result      Refusal // 0: carried out
}

// progressOf returns what the peer did last; false if it is none.
func (s *State) progressOf(id partition.NodeID) (progress, bool) {
	if s.Map == nil {
		return progress{}, false
	}
	i, ok := peerIndex(s.Map.Peers, id)
	if !ok {
		return progress{}, false
	}
	return s.last[i], true
}

// apply carries the command out, and returns the next state and why the command
// was refused, 0 if it was not. recorded says that the state remembers that
// result; if it does not, the next state is s itself: a command that is void, or
// whose proposer is no peer or not up in that incarnation.
func (s *State) apply(h header, c command) (next *State, result Refusal, recorded bool) {
	return s.applyOwn(h, c, new(bool))
}

// applyOwn is apply. *own says of s, and then of the next state, that nobody else has
// its table: then that may be edited where it is, and s is of no use any more.
func (s *State) applyOwn(h header, c command, own *bool) (next *State, result Refusal, recorded bool) {
	if s.Map == nil || c.kind() == kindFound {
		return s.applyFound(h, c)
	}
	i, ok := peerIndex(s.Map.Peers, h.proposer)
	switch {
	case !ok:
		return s, ErrUnknownPeer, false
	case h.incarnation < s.Map.Peers[i].Incarnation,
		h.incarnation > s.Map.Peers[i].Incarnation && c.kind() != kindPeerUp:
		return s, ErrStale, false
	case !h.after(s.last[i]):
		return s, ErrVoid, false
	}
	d := newDraft(h, s)
	// Others may be refused with the table half edited.
	d.ownTable = *own && c.kind() == kindChangeCopies
	if result = c.apply(d); result != 0 {
		d = newDraft(h, s)
	}
	next = d.finish(progress{h.incarnation, h.number, result})
	*own = *own || d.ownTable
	return next, result, true
}

func (s *State) applyFound(h header, c command) (*State, Refusal, bool) {
	f, ok := c.(*found)
	switch {
	case s.Map != nil:
		return s, ErrVoid, false
	case !ok:
		return s, ErrUnknownPeer, false
	}
	m, result := f.birth(h)
	if result != 0 {
		return s, result, false
	}
	return &State{Map: m, last: []progress{{h.incarnation, h.number, 0}}}, 0, true
}

// isGone reports whether that was a peer and was dropped.
func (s *State) isGone(id partition.NodeID) bool {
	_, ok := slices.BinarySearch(s.gone, id)
	return ok
}

// peerIndex finds a peer, or the place where it would be.
func peerIndex(peers []partition.Peer, id partition.NodeID) (int, bool) {
	return slices.BinarySearchFunc(peers, id, func(p partition.Peer, id partition.NodeID) int {
		switch {
		case p.ID < id:
			return -1
		case p.ID > id:
			return 1
		}
		return 0
	})
}
