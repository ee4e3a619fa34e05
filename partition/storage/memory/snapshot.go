package memory

import "slices"

// Snapshot is what a map held at one moment. It costs the memory of what it has and the
// map has no more.
type Snapshot struct {
	of     *Map
	trees  forest
	number uint64
}

// Snapshot returns what the map holds now. It must be closed.
func (m *Map) Snapshot() *Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken++
	m.snapshots = append(m.snapshots, m.taken)
	m.fresh = make(map[ref]struct{})
	s := &Snapshot{of: m, trees: slices.Clone(m.trees), number: m.taken}
	for i := range m.trees {
		m.trees[i].owner = new(owner) // of no node yet, so that none of the snapshot is edited
	}
	return s
}

// Get returns the value of key, which is valid until the snapshot is closed.
func (s *Snapshot) Get(key []byte) (val []byte, found bool) {
	r := s.trees.find(key)
	if r == 0 {
		return nil, false
	}
	_, val = s.of.arena.record(r)
	return val, true
}

// Ascend calls f with the keys from lower on and below upper (nil: all that follow)
// and their values, until f returns false. Both are valid until the snapshot is
// closed.
func (s *Snapshot) Ascend(lower, upper []byte, f func(key, val []byte) bool) {
	part := s.trees.within(lower, upper)
	for i := range part {
		if t := &part[i]; !t.ascend(t.root, lower, upper, f) {
			return
		}
	}
}

// ascend is Ascend below n; false: no more is wanted.
func (t *tree) ascend(n *node, lower, upper []byte, f func(key, val []byte) bool) bool {
	at, last, found := t.within(n, lower, upper)
	if n.kids == nil {
		for i := at; i < last; i++ {
			if !f(t.arena.record(n.refs[i])) {
				return false
			}
		}
		return true
	}
	for i := below(at, found); i < last; i++ {
		if !t.ascend(n.kids[i], lower, upper, f) {
			return false
		}
	}
	return true
}

// Close ends the snapshot. It must not be used any more.
func (s *Snapshot) Close() {
	m := s.of
	m.mu.Lock()
	defer m.mu.Unlock()
	i, open := slices.BinarySearch(m.snapshots, s.number)
	if !open {
		panic("snapshot closed twice")
	}
	m.snapshots = slices.Delete(m.snapshots, i, i+1)
	oldest := m.taken + 1
	if len(m.snapshots) > 0 {
		oldest = m.snapshots[0]
	} else {
		m.fresh = nil
	}
	n := 0
	for ; n < len(m.kept) && m.kept[n].since < oldest; n++ {
		m.arena.drop(m.kept[n].ref)
	}
	if m.kept = slices.Delete(m.kept, 0, n); len(m.kept) == 0 {
		m.kept = nil
	}
}
