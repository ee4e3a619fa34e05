package partition

import (
	"math"
	"slices"
)

// planCopies gives every partition its copies. Holes go first: they are what may
// get stuck, and a node that gives never is. (It holds more than one that takes,
// hence a row that the other is not in.)
func (b *board) planCopies() {
	a := b.copies
	before := slices.Clone(a.held)
	a.free = func(p int) []node { return before[p*a.width : (p+1)*a.width] }
	a.choose = func(p int) node { return a.load.lightest(a.row(p), &a.dice) }

	b.useSpare()
	a.fill()
	for b.unready && a.shed(b.ready) { // what does not exist yet costs nothing to move
	}
	for a.shed(b.leads) { // backups first, so that roles stay where they are
	}
	for a.shed(none) {
	}
	a.least = 1 // everyone has kept what it could
	for a.augment(math.MaxInt32) {
	}
}

// useSpare gives places to copies that exist: holes, or places of nodes that give,
// first those whose own copy does not exist.
func (b *board) useSpare() {
	if len(b.spare) == 0 {
		return
	}
	a := b.copies
	order := newScan(len(b.spare), &a.dice)
	for i, more := order.first(); more; i, more = order.next(i) {
		p, to := int(b.spare[i].row), b.spare[i].node
		row := a.row(p)
		if contains(row, to) || !a.load.takes(to) {
			continue
		}
		if contains(row, nobody) {
			a.replace(p, nobody, to)
			continue
		}
		from := nobody
		for _, n := range row {
			if a.load.gives(n) && (from == nobody || !b.ready(p, n)) {
				from = n
			}
		}
		if from != nobody {
			a.replace(p, from, to)
		}
	}
}

// ready reports whether the node's copy of the partition is in sync.
func (b *board) ready(p int, n node) bool {
	return contains(b.table[p].InSync, b.nodes.ids[n])
}

// leads reports whether the node was the partition's preferred primary.
func (b *board) leads(p int, n node) bool { return b.led[p] == n }

// none keeps nothing.
func none(int, node) bool { return false }
