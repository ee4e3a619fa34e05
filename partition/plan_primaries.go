package partition

import (
	"math"
	"slices"
)

// planPrimaries gives every partition its preferred primary, one of its copies.
// As the copies are balanced, a balanced choice exists: with k copies a partition,
// a k-th of the role for each is one in fractions, and a flow with whole
// capacities has a whole solution too.
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
	heirs := b.heirs()
	a.open = b.copies.row
	a.free = func(p int) []node {
		if b.led[p] == nobody {
			return heirs[p*b.copies.width : (p+1)*b.copies.width]
		}
		return b.led[p : p+1]
	}

	a.choose = func(p int) node { return b.candidate(p, a.free(p)) }
	a.fill()
	for a.holes > 0 && a.augment(0) {
	}
	a.least = 1 // nothing more is to be had for nothing
	a.choose = func(p int) node { return b.candidate(p, a.open(p)) }
	a.fill()
	for a.shed(none) {
	}
	for a.augment(math.MaxInt32) {
	}
}

// heirs returns, row after row, who may lead a row whose leader is gone and is as
// good as any: the copies in sync, or all if none is. The others are nobody.
func (b *board) heirs() []node {
	heirs := slices.Clone(b.copies.held)
	for p := range b.led {
		row := heirs[p*b.copies.width : (p+1)*b.copies.width]
		ready := func(n node) bool { return b.ready(p, n) }
		if b.led[p] != nobody || !slices.ContainsFunc(row, ready) {
			continue
		}
		for i, n := range row {
			if !ready(n) {
				row[i] = nobody
			}
		}
	}
	return heirs
}

// candidate returns which of some copies of a partition is to become its preferred
// primary: one whose node takes, the present primary if it can be, else the one
// whose node has fewest; nobody if there is none.
func (b *board) candidate(p int, copies []node) node {
	l, best := b.primaries.load, nobody
	for _, n := range copies {
		switch {
		case n == nobody || n == b.primaries.held[p] || !l.takes(n):
		case b.nodes.ids[n] == b.table[p].Primary:
			return n
		case best == nobody || l.count[n] < l.count[best]:
			best = n
		}
	}
	return best
}
