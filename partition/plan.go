package partition

// Plan returns the target of every partition, indexed by ID: the nodes that
// should hold a copy of it, the preferred primary first.
func Plan(m *Map) [][]NodeID {
	targets := make([][]NodeID, len(m.Table))
	for p := range m.Table {
		targets[p] = m.Table[p].Target
	}
	return targets
}
