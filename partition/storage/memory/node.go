package memory

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sort"
)

const (
	// fan is how many records a leaf has at most, and how many kids another node.
	fan = 64
	// sparse is how many a node has at least, unless its neighbours are too full to
	// take it in.
	sparse = fan / 4
)

// node is a leaf or has kids.
//
// A search looks at records only where heads are equal: the records of a large map
// are hardly ever in the processor's caches, so that each look costs more than all
// else.
//
// Invariant: refs ascend by key; a leaf has its records there, another node the first
// record below each of its kids. All these keys begin with prefix, and heads has of
// each what follows. No node but the root is empty.
type node struct {
	owner  *owner
	prefix []byte // never edited
	heads  []uint32
	refs   []ref
	kids   []*node // nil: a leaf
}

// owner tells one holder of nodes from another; it has a size so that each has an
// address of its own.
type owner struct{ _ byte }

// headOf returns the first bytes of rest, so that heads are ordered as what they
// are of, or equal.
func headOf(rest []byte) uint32 {
	if len(rest) >= 4 {
		return binary.BigEndian.Uint32(rest)
	}
	var b [4]byte
	copy(b[:], rest)
	return binary.BigEndian.Uint32(b[:])
}

// search returns the index of key in n.refs, or of the first one above it.
func (n *node) search(a *Arena, key []byte) (i int, found bool) {
	if !bytes.HasPrefix(key, n.prefix) {
		if bytes.Compare(key, n.prefix) < 0 {
			return 0, false
		}
		return len(n.refs), false
	}
	head := headOf(key[len(n.prefix):])
	i, found = slices.BinarySearch(n.heads, head)
	if !found {
		return i, false
	}
	same := 1
	for i+same < len(n.heads) && n.heads[i+same] == head {
		same++
	}
	off, found := sort.Find(same, func(k int) int { return bytes.Compare(key, a.key(n.refs[i+k])) })
	return i + off, found
}

// below returns the index of the kid that has a key, if any has, from what search
// says.
func below(i int, found bool) int {
	if found || i == 0 {
		return i
	}
	return i - 1
}

// put inserts a record, or a kid with its first one, at i.
func (n *node) put(a *Arena, i int, r ref, kid *node) {
	key := a.key(r)
	if len(n.refs) == 0 {
		n.prefix = slices.Clone(key)
	}
	n.share(a, key)
	n.heads = slices.Insert(n.heads, i, headOf(key[len(n.prefix):]))
	n.refs = slices.Insert(n.refs, i, r)
	if kid != nil {
		n.kids = slices.Insert(n.kids, i, kid)
	}
}

// set puts a record in the place of the one at i, which may be gone.
func (n *node) set(a *Arena, i int, r ref) {
	if n.refs[i] == r {
		return
	}
	n.refs[i] = r
	key := a.key(r)
	n.share(a, key)
	n.heads[i] = headOf(key[len(n.prefix):])
}

// remove takes out what is at i and up to j.
func (n *node) remove(i, j int) {
	n.heads = slices.Delete(n.heads, i, j)
	n.refs = slices.Delete(n.refs, i, j)
	if n.kids != nil {
		n.kids = slices.Delete(n.kids, i, j)
	}
}

// share makes prefix one that key has, too.
func (n *node) share(a *Arena, key []byte) {
	if bytes.HasPrefix(key, n.prefix) {
		return
	}
	n.prefix = n.prefix[:shared(n.prefix, key)]
	n.rehead(a)
}

func (n *node) rehead(a *Arena) {
	for i, r := range n.refs {
		n.heads[i] = headOf(a.key(r)[len(n.prefix):])
	}
}

// shared returns how many bytes two keys have in common at the start.
func shared(x, y []byte) int {
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return i
		}
	}
	return min(len(x), len(y))
}

// tighten makes prefix as long as it can be.
func (n *node) tighten(a *Arena) {
	if len(n.refs) == 0 {
		return
	}
	first := a.key(n.refs[0])
	if l := shared(first, a.key(n.refs[len(n.refs)-1])); l != len(n.prefix) {
		n.prefix = slices.Clone(first[:l])
		n.rehead(a)
	}
}

// split moves what is at i and behind to a node of its own, of the same owner.
func (n *node) split(a *Arena, i int) (right *node) {
	right = &node{
		owner:  n.owner,
		prefix: n.prefix,
		heads:  slices.Clone(n.heads[i:]),
		refs:   slices.Clone(n.refs[i:]),
	}
	if n.kids != nil {
		right.kids = slices.Clone(n.kids[i:])
	}
	n.remove(i, len(n.refs))
	n.tighten(a)
	right.tighten(a)
	return right
}

// join moves all of right, the node after n, to the end of n.
func (n *node) join(a *Arena, right *node) {
	n.share(a, right.prefix)
	n.refs = append(n.refs, right.refs...)
	n.kids = append(n.kids, right.kids...)
	n.heads = append(n.heads, right.heads...)
	n.rehead(a)
}

// clone returns a copy of n for another owner.
func (n *node) clone(o *owner) *node {
	return &node{owner: o, prefix: n.prefix, heads: slices.Clone(n.heads), refs: slices.Clone(n.refs), kids: slices.Clone(n.kids)}
}

// walk calls f with all records below n.
func (n *node) walk(f func(ref)) {
	for _, kid := range n.kids {
		kid.walk(f)
	}
	if n.kids == nil {
		for _, r := range n.refs {
			f(r)
		}
	}
}
