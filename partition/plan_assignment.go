package partition

// assignment gives the places of rows to nodes: no node two of one row, and all
// nodes equally many, to within one. A row is a partition; its places are its
// copies, or the one role of preferred primary.
//
// What a row holds at first, it holds for nothing; a new node in a place costs
// one, unless free says otherwise. The total is kept as low as it can be.
type assignment struct {
	width int
	held  []node // row p has held[p*width:(p+1)*width]; nobody: a hole
	holes int
	load  *load
	dice  dice
	scan  scan

	// choose returns the node to take a place in the row: one that takes, may be
	// there and is not; nobody if there is none.
	choose func(p int) node
	// free lists nodes that cost nothing in the row (and nobody, perhaps).
	free func(p int) []node
	// open lists the nodes that may be in the row. Nil: all may be in any.
	open func(p int) []node

	search *search // nil until it is needed
	least  int32   // no chain of moves that frees what is stuck costs less than this
}

// newAssignment takes what is held over.
func newAssignment(held []node, width, nodes int, d dice) *assignment {
	rows := len(held) / width
	a := &assignment{width: width, held: held, load: newLoad(held, nodes, rows), dice: d}
	for _, n := range held {
		if n == nobody {
			a.holes++
		}
	}
	a.scan = newScan(rows, &a.dice)
	return a
}

func (a *assignment) rows() int { return len(a.held) / a.width }

func (a *assignment) row(p int) []node { return a.held[p*a.width : (p+1)*a.width] }

// put gives a place, with its index in held, to a node.
func (a *assignment) put(place int, n node) {
	if old := a.held[place]; old == nobody {
		a.holes--
	} else {
		a.load.remove(old)
	}
	a.held[place] = n
	a.load.add(n)
}

// replace gives the place of from in row p, a hole if nobody, to a node.
func (a *assignment) replace(p int, from, to node) {
	for i, n := range a.row(p) {
		if n == from {
			a.put(p*a.width+i, to)
			return
		}
	}
}

// fill fills holes with nodes that take. First places go first: where all is
// empty, as before the first plan, each column of places is spread by itself, so
// that a primary in every first place would be balanced.
func (a *assignment) fill() {
	for i := 0; i < a.width; i++ {
		for p, more := a.scan.first(); more && a.holes > 0; p, more = a.scan.next(p) {
			if a.held[p*a.width+i] != nobody {
				continue
			}
			if n := a.choose(p); n != nobody {
				a.put(p*a.width+i, n)
			}
		}
	}
}

// shed moves places from nodes that give to nodes that take, straight, one a row,
// and reports whether it moved any. A node that keeps a row, says keeps, gives no
// place there.
func (a *assignment) shed(keeps func(p int, n node) bool) bool {
	moved := false
	for p, more := a.scan.first(); more && a.load.anyGives(); p, more = a.scan.next(p) {
		from := nobody
		for _, n := range a.row(p) {
			if n != nobody && a.load.gives(n) && !keeps(p, n) &&
				(from == nobody || a.load.count[n] > a.load.count[from]) {
				from = n
			}
		}
		if from == nobody {
			continue
		}
		if to := a.choose(p); to != nobody {
			a.replace(p, from, to)
			moved = true
		}
	}
	return moved
}

// scan is an order of the rows that looks random. In plain order the first rows
// would change with every plan, and share their copies among the newest nodes.
type scan struct {
	rows, start, stride int
}

func newScan(rows int, d *dice) scan {
	s := scan{rows: rows, start: d.below(rows), stride: 1 + d.below(rows)}
	for gcd(s.stride, rows) != 1 {
		s.stride++
	}
	s.stride %= rows
	return s
}

func (s scan) first() (p int, more bool) { return s.start, true }

// next returns the row after p; more is false once all were seen.
func (s scan) next(p int) (int, bool) {
	p += s.stride
	if p >= s.rows {
		p -= s.rows
	}
	return p, p != s.start
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
