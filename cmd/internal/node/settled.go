package node

import (
	"slices"

	"pipelinedht/partition"
)

// settledFor reports whether every partition that concerns the node has its
// copies where they should be. Peers that are away cannot hold that up: of a row
// with such a peer only the node's own part counts, and nothing counts of one
// whose in-sync copies are all away.
func settledFor(m *partition.Map, id partition.NodeID) bool {
	away := func(id partition.NodeID) bool {
		p, ok := m.Peer(id)
		return !ok || p.State == partition.Down || p.State == partition.Replaced
	}
	for i := range m.Table {
		row := &m.Table[i]
		switch {
		case !row.HasCopy(id), row.Settled():
		case !slices.ContainsFunc(row.InSync, away) && !slices.ContainsFunc(row.Target, away):
			return false
		case !slices.ContainsFunc(row.InSync, func(id partition.NodeID) bool { return !away(id) }):
		case !ownPartSettled(row, id):
			return false
		}
	}
	return true
}

// ownPartSettled reports whether the node itself has the place in the row that it
// should have.
func ownPartSettled(row *partition.Row, id partition.NodeID) bool {
	return slices.Contains(row.Target, id) == slices.Contains(row.InSync, id) &&
		(len(row.Target) > 0 && row.Target[0] == id) == (row.Primary == id)
}
