package partition

import "math"

// search looks for the cheapest chain of moves: a node enters a row where a place
// is free or a node gives one up, another leaves a row that this node is in and a
// third enters that, and so on to a node that takes. It is Bellman and Ford's
// algorithm on the residual graph of the flow, with nodes and rows in turn;
// leaving a row that one had newly entered gives the price back, so there are
// arcs of price -1, but no cycle below 0.
type search struct {
	price []int32 // by node: of the best chain known to it
	via   []hop   // by node: the chain's last move
	worst int32   // no price is above it
	again bool    // a price fell in this round

	end  node  // the best node that takes
	best int32 // price of the chain to it
}

// hop is a move: the node that it belongs to comes into row in the place of from
// (nobody: into a hole). With no row (-1) either the chain starts here, with from
// nobody, or the node loses to from the right to one more than floor.
type hop struct {
	row  int32
	from node
}

const noRow, unreached = -1, math.MaxInt32

// augment fills one hole, or relieves one node that gives, by the cheapest chain
// of moves if that costs at most most, and reports whether it did.
func (a *assignment) augment(most int32) bool {
	if a.holes == 0 && !a.load.anyGives() {
		return false
	}
	s := a.start()
	for s.again && s.best > a.least {
		s.again = false
		for p := 0; p < len(a.held)/a.width && s.best > a.least; p++ {
			if price, from := a.leave(p); price != unreached {
				a.enter(p, price, from)
			}
		}
		a.passExtra()
	}
	a.least = max(a.least, s.best)
	if s.best > most || s.end == nobody {
		return false
	}
	for n := s.end; n != nobody; n = s.via[n].from {
		if h := s.via[n]; h.row != noRow {
			a.replace(int(h.row), h.from, n)
		}
	}
	return true
}

// start makes the search ready: nodes that give are where chains start, beside
// the holes.
func (a *assignment) start() *search {
	nodes := len(a.load.count)
	if a.search == nil {
		a.search = &search{price: make([]int32, nodes), via: make([]hop, nodes)}
	}
	s := a.search
	s.worst, s.again, s.end, s.best = unreached, true, nobody, unreached
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
		if n == nobody {
			if price > 0 {
				price, from = 0, nobody
			}
			continue
		}
		c := a.search.price[n]
		if c == unreached {
			continue
		}
		if !contains(a.free(p), n) {
			c--
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
		s.best, s.end = price, n
	}
}
