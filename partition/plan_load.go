package partition

// load counts the places that each node holds and says who holds too many or too
// few. In the end every node holds floor or floor+1, and extra nodes the latter;
// which ones is left open until the last, so that nothing moves only because the
// wrong ones were picked beforehand.
type load struct {
	floor int32
	extra int32
	count []int32 // by node

	// order has the nodes by rising count; at says where in it a node is, and
	// less, by count, how many nodes hold less than that.
	// Invariant: order[less[c]:less[c+1]] are the nodes whose count is c.
	order []node
	at    []int32
	less  []int32
}

// newLoad counts held, where no node holds more than most places.
func newLoad(held []node, nodes, most int) *load {
	l := &load{
		floor: int32(len(held) / nodes),
		extra: int32(len(held) % nodes),
		count: make([]int32, nodes),
		order: make([]node, nodes),
		at:    make([]int32, nodes),
		less:  make([]int32, most+3), // up to less[floor+2]
	}
	for _, n := range held {
		if n != nobody {
			l.count[n]++
		}
	}
	for _, c := range l.count {
		l.less[c+1]++
	}
	for c := 1; c < len(l.less); c++ {
		l.less[c] += l.less[c-1]
	}
	next := make([]int32, most+1) // by count: how many were put in order
	for n, c := range l.count {
		l.at[n] = l.less[c] + next[c]
		next[c]++
		l.order[l.at[n]] = node(n)
	}
	return l
}

// above returns how many nodes hold more than floor.
func (l *load) above() int32 { return int32(len(l.count)) - l.less[l.floor+1] }

// gives reports whether the node holds more than it may keep.
func (l *load) gives(n node) bool {
	c := l.count[n]
	return c > l.floor+1 || c == l.floor+1 && l.above() > l.extra
}

// anyGives reports whether there is a node that gives.
func (l *load) anyGives() bool {
	return l.above() > l.extra || l.less[l.floor+2] < int32(len(l.count))
}

// takes reports whether the node may have one more.
func (l *load) takes(n node) bool {
	c := l.count[n]
	return c < l.floor || c == l.floor && l.above() < l.extra
}

// lightest returns a node outside row that takes, and of these one that holds
// least, by the dice; nobody if there is none.
func (l *load) lightest(row []node, d *dice) node {
	takers := l.less[l.floor]
	if l.above() < l.extra {
		takers = l.less[l.floor+1]
	}
	equal := l.less[l.count[l.order[0]]+1]
	first := int32(d.below(int(equal)))
	for i := range takers { // at most len(row) of them in vain
		at := i
		if i < equal {
			if at += first; at >= equal {
				at -= equal
			}
		}
		if n := l.order[at]; !contains(row, n) {
			return n
		}
	}
	return nobody
}

// add counts one more place of the node: in order, it changes places with the
// last of its equals and falls to the next count.
func (l *load) add(n node) {
	c := l.count[n]
	l.less[c+1]--
	l.swap(n, l.less[c+1])
	l.count[n] = c + 1
}

// remove counts one place less.
func (l *load) remove(n node) {
	c := l.count[n]
	l.swap(n, l.less[c])
	l.less[c]++
	l.count[n] = c - 1
}

// swap puts the node at index to of order, and the one there in its place.
func (l *load) swap(n node, to int32) {
	from, other := l.at[n], l.order[to]
	l.order[from], l.order[to] = other, n
	l.at[other], l.at[n] = from, to
}
