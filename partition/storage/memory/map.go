package memory

import (
	"io"
	"sync"
)

// Map is an ordered map. New makes one.
type Map struct {
	arena *Arena

	mu    sync.RWMutex // guards the following
	trees forest
	// snapshots are the numbers of the open ones, ascending; taken is the last one.
	snapshots []uint64
	taken     uint64
	kept      []kept           // ascending by since
	fresh     map[ref]struct{} // records that no snapshot has; those made while none was open left out
	scratch   []byte
}

// kept is a record that the map has no more, and that the snapshots up to since may
// have.
type kept struct {
	ref   ref
	since uint64
}

// New returns an empty map with its records in a.
func New(a *Arena) *Map {
	return &Map{arena: a}
}

// Lock begins changes, which nobody sees before Unlock.
func (m *Map) Lock() { m.mu.Lock() }

// Unlock ends changes.
func (m *Map) Unlock() { m.mu.Unlock() }

// Set gives key a value, between Lock and Unlock. Both are copied. An error means
// that the machine is out of memory, and nothing was changed.
func (m *Map) Set(key, val []byte) error {
	r, err := m.arena.put(key, val)
	if err != nil {
		return err
	}
	if len(m.snapshots) > 0 {
		m.fresh[r] = struct{}{}
	}
	if old := m.grown(key).put(key, r); old != 0 {
		m.drop(old)
	}
	return nil
}

// Delete removes key, if it is there, between Lock and Unlock.
func (m *Map) Delete(key []byte) {
	if m.trees.find(key) != 0 {
		m.scratch = append(append(m.scratch[:0], key...), 0) // the least key above it
		m.DeleteRange(key, m.scratch)
	}
}

// DeleteRange removes the keys from lower on and below upper (nil: all that follow),
// between Lock and Unlock.
func (m *Map) DeleteRange(lower, upper []byte) {
	cut := m.trees.within(lower, upper)
	for i := range cut {
		t := &cut[i]
		if len(m.snapshots) == 0 && t.whole(lower, upper) {
			m.arena.bury(t.root)
			t.root = nil
		} else {
			t.cut(lower, upper, m.drop)
		}
	}
	m.uprooted()
}

// Empty reports whether there is no key, between Lock and Unlock.
func (m *Map) Empty() bool { return len(m.trees) == 0 }

// drop lets go of a record that was in the tree, now or once no snapshot has it.
func (m *Map) drop(r ref) {
	if _, fresh := m.fresh[r]; fresh || len(m.snapshots) == 0 {
		delete(m.fresh, r)
		m.arena.drop(r)
		return
	}
	m.kept = append(m.kept, kept{r, m.taken})
}

// Get returns the value of key, which is valid until closer is closed; closer is
// never nil.
func (m *Map) Get(key []byte) (val []byte, closer io.Closer, found bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r := m.trees.find(key)
	if r == 0 {
		return nil, nothing{}, false
	}
	_, val = m.arena.record(r)
	if h := m.arena.hold(r); h != nil {
		return val, h, true
	}
	l := lentBuffers.Get().(*lent)
	l.buf = append(l.buf[:0], val...)
	return l.buf, l, true
}

// nothing is the closer of what was not found.
type nothing struct{}

func (nothing) Close() error { return nil }

// lent is a copy of a small value: whoever has it need not be waited for.
type lent struct{ buf []byte }

var lentBuffers = sync.Pool{New: func() any { return new(lent) }}

// Close gives the buffer back.
func (l *lent) Close() error {
	lentBuffers.Put(l)
	return nil
}
