package partition

// Plan returns the target of every partition, indexed by ID: the nodes that
// should hold a copy of it, the preferred primary first. It depends on
// m.Settings.Replicas, the ids and states of m.Peers, in any order, and m.Table,
// and on nothing else. Rows whose target stays share its slice.
//
// Copies are planned for the peers that are neither Leaving nor Replaced; if
// there is none, for those that are Replaced; if there is none either, all
// targets are empty. With n such peers and Q partitions, k = min(Replicas, n):
//
//   - every target has k different nodes;
//   - every node is in floor(Qk/n) or ceil(Qk/n) targets, and first in
//     floor(Q/n) or ceil(Q/n);
//   - of all such tables it is one with the fewest copies outside the present
//     targets;
//   - for these copies it is a choice of primaries with the fewest handovers that
//     a partition could do without: from a preferred primary that keeps its copy,
//     or, where that is gone, to a copy not in sync though another one is.
//
// Where that leaves a choice, copies go where one exists already (in the in-sync
// set) and stay where one does, primaries go to the present primary; and the nodes
// that share partitions with any one node are many, so that the load of a lost
// node falls on many.
//
// All nodes compute a plan for themselves when they apply an entry of the log.
// Its result for a given map must therefore be the same in all releases that may
// run in one cluster; TestPlanNeverChanges holds it fast.
//
// Both steps, copies and primaries, are a minimum-cost flow from partitions to
// nodes, solved as one: all stays at first, single moves come next
// (assignment.fill, assignment.shed), and what is stuck then is freed by cheapest
// chains of moves (assignment.augment). A join or leave in a table of 65,536
// partitions takes milliseconds; a change of a hundred nodes at once, which needs
// many chains, tenths of a second.
func Plan(m *Map) [][]NodeID {
	nodes := newRoster(m.Peers)
	copies := min(m.Settings.Replicas, len(nodes.ids))
	if copies <= 0 || len(m.Table) == 0 {
		return make([][]NodeID, len(m.Table))
	}
	b := newBoard(m, nodes, copies)
	b.planCopies()
	b.planPrimaries()
	return b.targets()
}

// board is a map in dense numbers, while targets are planned on it.
type board struct {
	table  []Row
	nodes  *roster
	copies *assignment // as many places a row as copies are wanted
	// led is by partition the preferred primary that the previous target had,
	// nobody where that cannot hold copies any more.
	led []node
	// spare lists copies in sync outside the previous target.
	spare []spot
	// unready: some copy of the previous target is not in sync.
	unready   bool
	primaries *assignment // one place a row
}

// spot is a node in a row.
type spot struct {
	row  int32
	node node
}

// newBoard reads the previous targets into places. In a target that is longer
// than copies (the setting was other once) the first ones count.
func newBoard(m *Map, nodes *roster, copies int) *board {
	b := &board{table: m.Table, nodes: nodes, led: make([]node, len(m.Table))}
	held := make([]node, len(m.Table)*copies)
	for p := range m.Table {
		row := held[p*copies : p*copies : (p+1)*copies]
		b.led[p] = nobody
		target, inSync := m.Table[p].Target, m.Table[p].InSync
		for i, id := range target {
			n := nodes.find(id)
			if n == nobody || len(row) == copies || contains(row, n) {
				continue
			}
			row = append(row, n)
			if i == 0 {
				b.led[p] = n
			}
			b.unready = b.unready || !contains(inSync, id)
		}
		for _, id := range inSync {
			if contains(target, id) {
				continue
			}
			if n := nodes.find(id); n != nobody {
				b.spare = append(b.spare, spot{int32(p), n})
			}
		}
		for i := len(row); i < copies; i++ {
			held[p*copies+i] = nobody
		}
	}
	b.copies = newAssignment(held, copies, len(nodes.ids), nodes.seed())
	return b
}

// targets returns the plan in NodeIDs.
func (b *board) targets() [][]NodeID {
	targets := make([][]NodeID, len(b.table))
	changed := 0
	for p := range targets {
		if old := b.table[p].Target; b.isTarget(p, old) {
			targets[p] = old
		} else {
			changed++
		}
	}
	ids := make([]NodeID, 0, changed*b.copies.width)
	for p := range targets {
		if targets[p] != nil {
			continue
		}
		first := len(ids)
		primary := b.primaries.held[p]
		ids = append(ids, b.nodes.ids[primary])
		for _, n := range b.copies.row(p) {
			if n != primary {
				ids = append(ids, b.nodes.ids[n])
			}
		}
		targets[p] = ids[first:len(ids):len(ids)]
	}
	return targets
}

// isTarget reports whether ids is what was planned for row p.
func (b *board) isTarget(p int, ids []NodeID) bool {
	row := b.copies.row(p)
	if len(ids) != len(row) || ids[0] != b.nodes.ids[b.primaries.held[p]] {
		return false
	}
	for _, n := range row {
		if !contains(ids, b.nodes.ids[n]) {
			return false
		}
	}
	return true
}

// contains is slices.Contains, small enough to be inlined.
func contains[T comparable](list []T, x T) bool {
	for i := range list {
		if list[i] == x {
			return true
		}
	}
	return false
}
