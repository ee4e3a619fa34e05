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

	b.fillSpare()
	a.fill()
	b.shedSpare()
	b.shedUnready()
	a.shed(b.led) // backups first, so that roles stay where they are
	for a.shed(nil) {
	}
	a.least = 1 // everyone has kept what it could
	for a.augment(math.MaxInt32) {
	}
}

// fillSpare fills holes with copies that exist.
func (b *board) fillSpare() {
	a := b.copies
	for _, s := range b.spare {
		p := int(s.row)
		row := a.row(p)
		if contains(row, nobody) && !contains(row, s.node) && a.load.takes(s.node) {
			a.replace(p, nobody, s.node)
		}
	}
}

// shedSpare moves places to copies that exist, from a copy that does not, if one
// can give.
func (b *board) shedSpare() {
	a := b.copies
	for _, s := range b.spare {
		p := int(s.row)
		if contains(a.row(p), s.node) || !a.load.takes(s.node) {
			continue
		}
		from := nobody
		for _, n := range a.row(p) {
			if n != nobody && a.load.gives(n) && (from == nobody || !b.ready(p, n)) {
				from = n
			}
		}
		if from != nobody {
			a.replace(p, from, s.node)
		}
	}
}

// shedUnready moves copies that do not exist yet: that costs nothing beyond what
// was on its way.
func (b *board) shedUnready() {
	a := b.copies
	for _, s := range b.unready {
		p := int(s.row)
		if !contains(a.row(p), s.node) || !a.load.gives(s.node) {
			continue
		}
		if to := a.choose(p); to != nobody {
			a.replace(p, s.node, to)
		}
	}
}

// ready reports whether the node's copy of the partition is in sync.
func (b *board) ready(p int, n node) bool {
	return contains(b.table[p].InSync, b.nodes.ids[n])
}
