package memory

// tree is a B+tree of records by key. To copy the struct is to keep the tree as it
// is: whoever does gives the one that goes on a new owner.
type tree struct {
	arena *Arena
	root  *node  // nil: the tree is empty
	owner *owner // of the nodes that may be edited
}

// find returns the record of key; 0: there is none.
func (t *tree) find(key []byte) ref {
	for n := t.root; n != nil; {
		i, found := n.search(t.arena, key)
		switch {
		case n.kids != nil:
			n = n.kids[below(i, found)]
		case found:
			return n.refs[i]
		default:
			return 0
		}
	}
	return 0
}

// own returns n, or a copy of it, to be edited.
func (t *tree) own(n *node) *node {
	if n.owner == t.owner {
		return n
	}
	return n.clone(t.owner)
}

// put makes r the record of its key, and returns the one before; 0: there was none.
func (t *tree) put(key []byte, r ref) (old ref) {
	if t.root == nil {
		t.root = &node{owner: t.owner}
	}
	left := t.own(t.root)
	t.root = left
	old, right := t.insert(left, key, r)
	if right != nil {
		t.root = &node{owner: t.owner}
		t.root.put(t.arena, 0, left.refs[0], left)
		t.root.put(t.arena, 1, right.refs[0], right)
	}
	return old
}

// insert is put below n. right: n had no room and gave its upper part away.
func (t *tree) insert(n *node, key []byte, r ref) (old ref, right *node) {
	i, found := n.search(t.arena, key)
	if n.kids == nil {
		if found {
			old, n.refs[i] = n.refs[i], r
			return old, nil
		}
		return 0, t.add(n, i, r, nil)
	}
	i = below(i, found)
	kid := t.own(n.kids[i])
	n.kids[i] = kid
	old, next := t.insert(kid, key, r)
	n.set(t.arena, i, kid.refs[0])
	if next != nil {
		right = t.add(n, i+1, next.refs[0], next)
	}
	return old, right
}

// add puts a record, or a kid with its first one, at i.
func (t *tree) add(n *node, i int, r ref, kid *node) (right *node) {
	if len(n.refs) < fan {
		n.put(t.arena, i, r, kid)
		return nil
	}
	at := fan / 2
	if i == fan {
		at = fan // what comes in ascending order leaves full nodes behind
	}
	right = n.split(t.arena, at)
	if i > at || at == fan {
		right.put(t.arena, i-at, r, kid)
	} else {
		n.put(t.arena, i, r, kid)
	}
	return right
}
