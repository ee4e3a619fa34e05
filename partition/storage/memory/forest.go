package memory

import "slices"

// forest is a tree for each first byte that keys have, ascending by it. None is empty.
// Keys of different kinds, which that byte tells apart, have little else in common: in
// one tree the nodes above the leaves would have no prefix, all heads of a kind would be
// alike, and each search would look at the records of several kids.
type forest []rooted

// rooted is the tree of the keys that begin with first; the empty key counts as one of 0.
type rooted struct {
	first byte
	tree
}

func firstOf(key []byte) byte {
	if len(key) == 0 {
		return 0
	}
	return key[0]
}

// find returns the record of key; 0: there is none.
func (f forest) find(key []byte) ref {
	for i := range f {
		if t := &f[i]; t.first == firstOf(key) {
			return t.find(key)
		}
	}
	return 0
}

// within returns the trees that may have keys from lower on and below upper (nil: there
// is no bound).
func (f forest) within(lower, upper []byte) forest {
	first, last := 0, len(f)
	for first < last && f[first].first < firstOf(lower) {
		first++
	}
	for upper != nil && first < last && f[last-1].first > firstOf(upper) {
		last--
	}
	return f[first:last]
}

// grown returns the tree for key, which may be a new one, and so empty.
func (m *Map) grown(key []byte) *tree {
	at := len(m.trees) - len(m.trees.within(key, nil))
	if at == len(m.trees) || m.trees[at].first != firstOf(key) {
		m.trees = slices.Insert(m.trees, at, rooted{firstOf(key), tree{arena: m.arena, owner: new(owner)}})
	}
	return &m.trees[at].tree
}

// uprooted takes out the trees that have become empty.
func (m *Map) uprooted() {
	m.trees = slices.DeleteFunc(m.trees, func(t rooted) bool { return t.root == nil })
}
