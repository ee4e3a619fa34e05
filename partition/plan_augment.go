package partition

import (
	"fmt"
	"math"
)

// search looks for the cheapest chain of moves: a node enters a row where a place
// is free or a node gives one up, another leaves a row that this node is in and a
// third enters that, and so on to a node that takes. It is Bellman and Ford's
// algorithm on the residual graph of the flow, with nodes and rows in turn.
// Leaving a row that one had newly entered gives the price back, so some moves
// cost -1.
//
// Invariant: no cycle of moves costs less than 0, as only cheapest chains are ever
// followed. So no price falls any more once every chain had a round a node.
type search struct {
	price []int32 // by node: of the cheapest chain found to it
	via   []hop   // by node: that chain's last move
	best  int32   // price of the cheapest chain to a node that takes
	worst int32   // no price is above it
	again bool    // a price fell in this round
	tries int     // how many more rows may be looked at to follow chains again
}

// hop is a move: the node that it belongs to comes into row in the place of from
// (nobody: into a hole, where the chain starts). With noRow either the chain
// starts here, from is nobody, or the node loses to from the right to one more
// than floor.
type hop struct {
	row  int32
	from node
}

const (
	noRow     = -1
	unreached = math.MaxInt32 // price of a node that no chain leads to
)

// augment fills holes, or relieves nodes that give, by the cheapest chains of
// moves if they cost at most most, and reports whether it did.
func (a *assignment) augment(most int32) bool {
	if a.holes == 0 && !a.load.anyGives() {
		return false
	}
	s := a.start()
	for round := 0; s.again && s.best > a.least; round++ {
		if round > len(s.price) {
			panic(fmt.Sprintf("partition: plan of %d rows for %d nodes has a cycle of moves below 0", a.rows(), len(s.price)))
		}
		s.again = false
		for p := range a.rows() {
			if price, from := a.leave(p); price != unreached {
				a.enter(p, price, from)
			}
		}
		a.passExtra()
	}
	a.least = max(a.least, s.best)
	if s.best > most || s.best == unreached {
		return false
	}
	s.tries = a.rows()
	done := false
	for n := range s.price {
		if s.price[n] == s.best && a.follow(node(n)) {
			done = true
		}
	}
	return done
}

// follow makes the moves of the chain to end, as often as they can be made in its
// rows or in later ones that do as well, and reports whether it made them. The
// first chain followed after a search can be; it may spoil others.
func (a *assignment) follow(end node) bool {
	s, done := a.search, false
	for a.load.takes(end) && a.prepare(end) {
		for n := end; n != nobody; n = s.via[n].from {
			if h := s.via[n]; h.row != noRow {
				a.replace(int(h.row), h.from, n)
			}
		}
		done = true
	}
	return done
}

// prepare finds a row for each move of the chain to n and reports whether there
// are such rows and the chain may still start where it does.
func (a *assignment) prepare(n node) bool {
	s := a.search
	for {
		h := &s.via[n]
		switch {
		case h.row == noRow && h.from == nobody:
			return a.load.gives(n)
		case h.row == noRow:
			if a.load.count[n] != a.load.floor+1 || a.load.count[h.from] != a.load.floor {
				return false
			}
		default:
			price := s.price[n]
			if h.from != nobody {
				price -= s.price[h.from]
			}
			for !a.movable(int(h.row), h.from, n, price) {
				if s.tries == 0 || int(h.row)+1 == a.rows() {
					return false
				}
				h.row++
				s.tries--
			}
			if h.from == nobody {
				return true
			}
		}
		n = h.from
	}
}

// movable reports whether from can make room in row p for to, at that price.
func (a *assignment) movable(p int, from, to node, price int32) bool {
	row := a.row(p)
	return contains(row, from) && !contains(row, to) && (a.open == nil || contains(a.open(p), to)) &&
		a.price(p, to)-a.price(p, from) <= price
}

// price returns what it costs to have the node in row p; a hole costs nothing.
func (a *assignment) price(p int, n node) int32 {
	if n == nobody || contains(a.free(p), n) {
		return 0
	}
	return 1
}

// start makes the search ready: nodes that give are where chains start, beside
// the holes.
func (a *assignment) start() *search {
	nodes := len(a.load.count)
	if a.search == nil {
		a.search = &search{price: make([]int32, nodes), via: make([]hop, nodes)}
	}
	s := a.search
	s.best, s.worst, s.again = unreached, unreached, true
	for n := range s.price {
		s.price[n], s.via[n] = unreached, hop{noRow, nobody}
		if a.load.gives(node(n)) {
			s.price[n] = 0
		}
	}
	return s
}

// leave returns the cheapest chain that makes room in row p, and who leaves.
func (a *assignment) leave(p int) (price int32, from node) {
	price, from = unreached, nobody
	for _, n := range a.row(p) {
		c := int32(0)
		if n != nobody {
			if c = a.search.price[n]; c == unreached {
				continue
			}
			c -= a.price(p, n)
		}
		if c < price {
			price, from = c, n
		}
	}
	return price, from
}

// enter prolongs a chain to all nodes that may come into row p instead of from.
func (a *assignment) enter(p int, price int32, from node) {
	s, row, h := a.search, a.row(p), hop{int32(p), from}
	for _, n := range a.free(p) {
		if n != nobody && !contains(row, n) {
			a.reach(n, price, h)
		}
	}
	if a.open != nil {
		for _, n := range a.open(p) {
			if !contains(row, n) {
				a.reach(n, price+1, h)
			}
		}
		return
	}
	if price+1 >= s.worst {
		return
	}
	s.worst = price + 1
	for n := range s.price {
		if s.price[n] > price+1 && !contains(row, node(n)) {
			a.reach(node(n), price+1, h)
		}
		s.worst = max(s.worst, s.price[n])
	}
}

// passExtra prolongs chains from a node that would come to hold more than floor,
// though enough nodes do, to those: one of them must then give.
func (a *assignment) passExtra() {
	s, l := a.search, a.load
	cheapest := nobody
	for n, price := range s.price {
		if l.count[n] == l.floor && price != unreached && (cheapest == nobody || price < s.price[cheapest]) {
			cheapest = node(n)
		}
	}
	if cheapest == nobody {
		return
	}
	for n := range s.price {
		if l.count[n] == l.floor+1 {
			a.reach(node(n), s.price[cheapest], hop{noRow, cheapest})
		}
	}
}

// reach notes a chain to a node if it is the cheapest so far.
func (a *assignment) reach(n node, price int32, h hop) {
	s := a.search
	if price >= s.price[n] {
		return
	}
	s.price[n], s.via[n], s.again = price, h, true
	if price < s.best && a.load.takes(n) {
		s.best = price
	}
}
