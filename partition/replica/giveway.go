package replica

import "slices"

// While clients are about, a Node's moves give way to them, as far as it is for the
// core to see to that. How fast chunks are made and stored is the host's affair.

const (
	// gentleTransfers is Config.Transfers, at most, while moves give way, and
	// gentleAhead chunkAhead: what waits at the receiver waits in front of others.
	gentleTransfers = 4
	gentleAhead     = 1
)

// GiveWay says whether moves are to give way to clients: few transfers at a time, and
// changes that nobody waits for proposed together, once a tick, rather than each at
// once, for every proposal costs every node of the cluster some time.
func (n *Node) GiveWay(on bool) { n.givesWay = on }

// places returns how many transfers may be under way.
func (n *Node) places() int {
	if n.givesWay {
		return min(gentleTransfers, n.cfg.Transfers)
	}
	return n.cfg.Transfers
}

// ahead returns how many chunks of a transfer may be unacknowledged.
func (n *Node) ahead() int {
	if n.givesWay {
		return gentleAhead
	}
	return chunkAhead
}

// mayPropose reports whether what is to be proposed should be now.
func (n *Node) mayPropose() bool {
	return !n.givesWay || n.ticking || slices.ContainsFunc(n.changes, n.urgent)
}

// urgent reports whether service, or a node that is about to stop, waits for it.
func (n *Node) urgent(p proposal) bool {
	return p.forced || p.from != nil || p.change.NewTerm || n.stopping || n.full
}
