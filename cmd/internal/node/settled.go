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
	for i := range m.Table {
		row := &m.Table[i]
		switch {
		case !row.HasCopy(id), row.Settled():
		case !concernsAway(m, row):
			return false
		case allAway(m, row):
		case !ownPartSettled(m, row, id):
			return false
		}
	}
	return true
}

// settledButForAway is partition.Map.Settled, but for the rows with peers that
// are away.
func settledButForAway(m *partition.Map) bool {
	for _, p := range m.Peers {
		if !m.Away(p.ID) && (p.State == partition.Leaving || p.Importing) {
			return false
		}
	}
	for i := range m.Table {
		if row := &m.Table[i]; !row.Settled() && !concernsAway(m, row) {
			return false
		}
	}
	return true
}

// concernsAway reports whether a copy of the row is to be, or to go, where a peer
// is away.
func concernsAway(m *partition.Map, row *partition.Row) bool {
	return slices.ContainsFunc(row.InSync, m.Away) || slices.ContainsFunc(row.Target, m.Away)
}

// ownPartSettled reports whether the node itself has the place in the row that it
// should have. It may lead in place of a peer that is away.
func ownPartSettled(m *partition.Map, row *partition.Row, id partition.NodeID) bool {
	if slices.Contains(row.Target, id) != slices.Contains(row.InSync, id) {
		return false
	}
	preferred := len(row.Target) > 0 && row.Target[0] == id
	leads := row.Primary == id
	return preferred == leads || leads && len(row.Target) > 0 && m.Away(row.Target[0])
}

// allAway reports whether none of the row's in-sync copies is at hand.
func allAway(m *partition.Map, row *partition.Row) bool {
	return !slices.ContainsFunc(row.InSync, func(id partition.NodeID) bool { return !m.Away(id) })
}

// withAway counts the partitions that wait for peers that are away.
func withAway(m *partition.Map) int {
	count := 0
	for i := range m.Table {
		if allAway(m, &m.Table[i]) {
			count++
		}
	}
	return count
}
