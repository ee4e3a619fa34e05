package partition

import "math"

// planPrimaries gives every partition its preferred primary, one of its copies.
// As the copies are balanced, a balanced choice exists: with c copies a node, a
// c/k share of a primary's role for each copy is one in fractions, and a flow
// with whole capacities has a whole solution.
func (b *board) planPrimaries() {
	held := make([]node, len(b.table))
	for p := range held {
		if !contains(b.copies.row(p), b.led[p]) {
			b.led[p] = nobody
		}
		held[p] = b.led[p]
	}
	a := newAssignment(held, 1, len(b.nodes.ids), b.nodes.seed())
	b.primaries = a
	a.open = b.copies.row
	a.free = func(p int) []node {
		if b.led[p] == nobody {
			return b.copies.row(p)
		}
		return b.led[p : p+1]
	}
	a.choose = b.candidate

	a.fill()
	for a.holes > 0 && a.augment(0) {
	}
	a.least = 1 // the rest cannot be had for nothing
	for a.shed(nil) {
	}
	for a.augment(math.MaxInt32) {
	}
}

// candidate returns which copy of the partition is to become its preferred
// primary: one of a node that takes, if possible the present primary, else in
// sync; of several the one whose node has fewest primaries. Nobody if there is
// none.
func (b *board) candidate(p int) node {
	l := b.primaries.load
	best, bestRank := nobody, 0
	for _, n := range b.copies.row(p) {
		if n == b.primaries.held[p] || !l.takes(n) {
			continue
		}
		rank := 1
		if b.nodes.ids[n] == b.table[p].Primary {
			rank = 3
		} else if b.ready(p, n) {
			rank = 2
		}
		if rank > bestRank || rank == bestRank && l.count[n] < l.count[best] {
			best, bestRank = n, rank
		}
	}
	return best
}
