package memory

// cut removes the records from lower on and below upper (nil: all that follow) and
// calls f with each.
func (t *tree) cut(lower, upper []byte, f func(ref)) {
	if t.root == nil {
		return
	}
	t.root = t.own(t.root)
	t.cutBelow(t.root, lower, upper, f)
	for len(t.root.kids) == 1 {
		t.root = t.root.kids[0]
	}
	if len(t.root.refs) == 0 {
		t.root = nil
	}
}

// cutBelow is cut of what is below n, which may be empty after it.
func (t *tree) cutBelow(n *node, lower, upper []byte, f func(ref)) {
	at, last, found := t.within(n, lower, upper)
	if n.kids == nil {
		for _, r := range n.refs[at:last] {
			f(r)
		}
		n.remove(at, last)
		return
	}
	first := below(at, found)
	for i := first; i < last; i++ {
		fromStart, toEnd := i >= at, i+1 < last || upper == nil
		if fromStart && toEnd {
			n.kids[i].walk(f)
			n.kids[i] = nil
			continue
		}
		kid := t.own(n.kids[i])
		t.cutBelow(kid, lower, upper, f)
		if n.kids[i] = kid; len(kid.refs) == 0 {
			n.kids[i] = nil
		}
	}
	t.mend(n, first, last)
}

// within returns the index of lower, or of the first record above it, and that of the
// first one from upper on (nil: there is none). found: lower itself is there.
func (t *tree) within(n *node, lower, upper []byte) (first, end int, found bool) {
	first, found = n.search(t.arena, lower)
	end = len(n.refs)
	if upper != nil {
		end, _ = n.search(t.arena, upper)
	}
	return first, max(first, end), found
}

// mend makes n right again whose kids from first on and before last have changed, or
// are nil.
func (t *tree) mend(n *node, first, last int) {
	left := first
	for i := first; i < last; i++ {
		if n.kids[i] != nil {
			n.heads[left], n.refs[left], n.kids[left] = n.heads[i], n.refs[i], n.kids[i]
			left++
		}
	}
	n.remove(left, max(left, last))
	// Only one kid can have lost its first record and not be gone: the last.
	if left > first {
		n.set(t.arena, left-1, n.kids[left-1].refs[0])
	}
	for i := min(left, len(n.kids)-1); i > 0 && i >= first; i-- {
		t.merge(n, i)
	}
}

// merge makes one node of the kids at i-1 and i if one is sparse and the other has
// room for more than it.
func (t *tree) merge(n *node, i int) {
	a, b := n.kids[i-1], n.kids[i]
	if min(len(a.refs), len(b.refs)) >= sparse || len(a.refs)+len(b.refs) > fan-sparse {
		return
	}
	a = t.own(a)
	a.join(t.arena, b)
	n.kids[i-1] = a
	n.remove(i, i+1)
}
