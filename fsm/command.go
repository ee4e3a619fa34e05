package fsm

import "pipelinedht/partition"

// header says whose command it is. Commands of one proposer are ordered by
// incarnation, then number.
type header struct {
	proposer    partition.NodeID
	incarnation partition.Incarnation
	number      uint64 // from 1; 0 for the founding
}

// after reports whether h is above what its proposer did last.
func (h header) after(p progress) bool {
	return h.incarnation > p.incarnation || h.incarnation == p.incarnation && h.number > p.number
}

// command is one change of the state that a node proposes.
type command interface {
	kind() commandKind
	// apply judges the command against the draft and writes its effect there. If it
	// returns a Refusal the draft is thrown away.
	apply(d *draft) Refusal
	encode(w *writer)
	decode(r *reader)
}

// commandKind is in the log: append only.
type commandKind uint8

const (
	kindFound commandKind = iota + 1
	kindAddPeer
	kindAbortJoin
	kindImportDone
	kindDeparting
	kindStay
	kindRemovePeer
	kindPeerUp
	kindPeerState
	kindChangeCopies
	kindForgetPeer
)

// newCommand returns an empty command of that kind, nil if there is none.
func newCommand(k commandKind) command {
	switch k {
	case kindFound:
		return new(found)
	case kindAddPeer:
		return new(addPeer)
	case kindAbortJoin:
		return new(abortJoin)
	case kindImportDone:
		return new(importDone)
	case kindDeparting:
		return new(departing)
	case kindStay:
		return new(stay)
	case kindRemovePeer:
		return new(removePeer)
	case kindPeerUp:
		return new(peerUp)
	case kindPeerState:
		return new(peerState)
	case kindChangeCopies:
		return new(changeCopies)
	case kindForgetPeer:
		return new(forgetPeer)
	}
	return nil
}

// encodeCommand returns the log entry of a command. The body of its envelope:
//
//	kind         1 byte, commandKind
//	proposer     id
//	incarnation  uint
//	number       uint
//	fields       as the command's encode writes them
func encodeCommand(h header, c command) []byte {
	w := newWriter(64)
	w.byte(byte(c.kind()))
	w.id(uint64(h.proposer))
	w.uint(uint64(h.incarnation))
	w.uint(h.number)
	c.encode(w)
	return w.seal()
}

func decodeCommand(b []byte) (header, command, error) {
	r, err := openEnvelope(b)
	if err != nil {
		return header{}, nil, err
	}
	c := newCommand(commandKind(r.byte()))
	if c == nil {
		r.fail("unknown command")
		return header{}, nil, r.err
	}
	h := header{
		proposer:    partition.NodeID(r.id()),
		incarnation: partition.Incarnation(r.uint()),
		number:      r.uint(),
	}
	c.decode(r)
	return h, c, r.end()
}
