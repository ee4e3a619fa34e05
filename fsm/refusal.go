package fsm

import "fmt"

// Refusal says why Apply refused a command: nothing was changed. The numbers are
// written to snapshots and cross the wire: append only. Use errors.Is with the
// constants; Refusal(n) brings one back from its number.
type Refusal uint8

const (
	// ErrVoid: the command's number is not above its proposer's last.
	ErrVoid Refusal = iota + 1
	// ErrInvalid: the command contradicts itself (an empty name, a zero id); a
	// fault of the proposer.
	ErrInvalid
	// ErrUnknownPeer: the proposer, or the peer that the command names, is not in
	// the map: not yet, or not any more.
	ErrUnknownPeer
	// ErrStale: the incarnation of the proposer, or that of the peer which the
	// command names, is not that peer's present one.
	ErrStale
	// ErrNameTaken: a live peer of another address has the joiner's name. Choose
	// another name.
	ErrNameTaken
	// ErrIDTaken: a peer has the joiner's id but came by another join. Join with a
	// new id.
	ErrIDTaken
	// ErrDeparting: the cluster's last node is about to join another cluster.
	// Wait, or ask that cluster.
	ErrDeparting
	// ErrBarred: the join id was aborted, or is another joiner's, or the node id is
	// that of a peer that is gone. Join with new ones.
	ErrBarred
	// ErrJoined: the join that was to be aborted has gone through. Go on with it,
	// or leave.
	ErrJoined
	// ErrNotAlone: only the one node of a cluster of one may depart. Leave first.
	ErrNotAlone
	// ErrLastPeer: no other active peer would remain that has come up. Wait for one.
	ErrLastPeer
	// ErrLastCopy: the peer is not heard and holds the only in-sync copy of a
	// partition. Start it again, so that it can be handed over, or give it up.
	ErrLastCopy
	// ErrNotDown: the peer is heard, so it is not replaced, nor forgotten: let it
	// leave.
	ErrNotDown
)

var refusals = [...]string{
	ErrVoid:        "number not above the proposer's last",
	ErrInvalid:     "malformed command",
	ErrUnknownPeer: "not a peer of this cluster",
	ErrStale:       "not the peer's present incarnation",
	ErrNameTaken:   "the name is taken by a live peer",
	ErrIDTaken:     "the id is taken by another peer",
	ErrDeparting:   "the cluster is about to join another one",
	ErrBarred:      "the join was aborted or is over",
	ErrJoined:      "the join has gone through",
	ErrNotAlone:    "the cluster has other peers",
	ErrLastPeer:    "no other active peer would remain",
	ErrLastCopy:    "the peer is down with the only in-sync copy of a partition",
	ErrNotDown:     "the peer is not down",
}

// Error returns the sentence for people.
func (r Refusal) Error() string {
	if int(r) < len(refusals) && refusals[r] != "" {
		return refusals[r]
	}
	return fmt.Sprintf("refused for reason %d, unknown to this version", uint8(r))
}
