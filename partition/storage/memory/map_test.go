package memory

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is done to a map, it is what Go's own says, its snapshots stay what they
// were, and its trees are some.
func TestAMapIsWhatTheModelSays(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &world{arena: new(Arena), model: map[string]string{}, keys: rapid.SampledFrom([]int{10, 300, 5000}).Draw(r, "keys")}
		w.m = New(w.arena)
		r.Repeat(rapid.StateMachineActions(w))
		for len(w.snapshots) > 0 {
			w.closeSnapshot(r, 0)
		}
		w.m.Lock()
		w.m.DeleteRange(nil, nil)
		w.m.Unlock()
		w.arena.reaper.Wait()
		if n := w.arena.Bytes(); n != 0 || !w.m.Empty() {
			r.Fatalf("an empty map has %d bytes of records", n)
		}
		w.arena.Close()
	})
}

// world is a map and what it should hold.
type world struct {
	arena     *Arena
	m         *Map
	model     map[string]string
	keys      int // number of possible ones
	snapshots []frozen
}

// frozen is a snapshot with what it should hold.
type frozen struct {
	*Snapshot
	model map[string]string
}

func (w *world) key(r *rapid.T) []byte {
	n := rapid.IntRange(0, w.keys).Draw(r, "key")
	if n == 0 {
		return nil
	}
	return keyOf(n)
}

// keyOf returns one of many keys, some of which begin alike, and some as the empty one
// counts as.
func keyOf(n int) []byte {
	return fmt.Appendf(nil, "%s%d", strings.Repeat("\x00abc", n%7*n%5), n)
}

func (w *world) set(r *rapid.T, key, val []byte) {
	if err := w.m.Set(key, val); err != nil {
		r.Fatal(err)
	}
	w.model[string(key)] = string(val)
}

// Set sets one key, now and then to something large.
func (w *world) Set(r *rapid.T) {
	most := rapid.SampledFrom([]int{20, 500, 70_000}).Draw(r, "most")
	val := bytes.Repeat([]byte{rapid.Byte().Draw(r, "byte")}, rapid.IntRange(0, most).Draw(r, "bytes"))
	w.m.Lock()
	defer w.m.Unlock()
	w.set(r, w.key(r), val)
}

// SetMany sets many keys, which come in ascending order or not.
func (w *world) SetMany(r *rapid.T) {
	n, step := rapid.IntRange(1, w.keys).Draw(r, "n"), rapid.SampledFrom([]int{1, 7919}).Draw(r, "step")
	w.m.Lock()
	defer w.m.Unlock()
	for i := range n {
		key := fmt.Appendf(nil, "abc%06d", i*step%w.keys)
		if step > 1 {
			key = keyOf(i)
		}
		w.set(r, key, key)
	}
}

func (w *world) Delete(r *rapid.T) {
	key := w.key(r)
	w.m.Lock()
	defer w.m.Unlock()
	w.m.Delete(key)
	delete(w.model, string(key))
}

func (w *world) DeleteRange(r *rapid.T) {
	lower, upper := w.key(r), w.key(r)
	w.m.Lock()
	defer w.m.Unlock()
	w.m.DeleteRange(lower, upper)
	maps.DeleteFunc(w.model, func(k, _ string) bool { return within(k, lower, upper) })
}

func within(k string, lower, upper []byte) bool {
	return k >= string(lower) && (upper == nil || k < string(upper))
}

func (w *world) Snapshot(r *rapid.T) {
	w.snapshots = append(w.snapshots, frozen{w.m.Snapshot(), maps.Clone(w.model)})
}

func (w *world) CloseSnapshot(r *rapid.T) {
	if len(w.snapshots) == 0 {
		r.Skip("none is open")
	}
	w.closeSnapshot(r, rapid.IntRange(0, len(w.snapshots)-1).Draw(r, "snapshot"))
}

func (w *world) closeSnapshot(r *rapid.T, i int) {
	s := w.snapshots[i]
	s.check(r, nil, nil)
	s.check(r, w.key(r), w.key(r))
	for k, v := range s.model {
		if got, found := s.Get([]byte(k)); !found || string(got) != v {
			r.Fatalf("snapshot has %q %t for %q, want %q", got, found, k, v)
		}
	}
	s.Close()
	w.snapshots = slices.Delete(w.snapshots, i, i+1)
}

// A snapshot keeps of a key that is written again and again the one value that it has.
func TestASnapshotKeepsOnlyWhatItHas(t *testing.T) {
	const size = 1000
	m := New(new(Arena))
	set := func() {
		m.Lock()
		defer m.Unlock()
		if err := m.Set([]byte("key"), make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	set()
	first := m.Snapshot()
	for range 100 {
		set()
	}
	second := m.Snapshot()
	for range 100 {
		set()
	}
	if n := m.arena.Bytes(); n > 3*2*size {
		t.Errorf("two snapshots and a map of one record have %d bytes", n)
	}
	first.Close()
	second.Close()
	if n := m.arena.Bytes(); n > 2*size {
		t.Errorf("a map of one record has %d bytes", n)
	}
}

// Who wants no more is shown no more, of keys that begin otherwise either.
func TestAscendEndsWhenNoMoreIsWanted(t *testing.T) {
	m := New(new(Arena))
	m.Lock()
	for _, key := range []string{"", "\x00", "a", "ab", "b", "\xff"} {
		if err := m.Set([]byte(key), nil); err != nil {
			t.Fatal(err)
		}
	}
	m.Unlock()
	s := m.Snapshot()
	defer s.Close()
	for want := 1; want <= 6; want++ {
		seen := 0
		s.Ascend(nil, nil, func(_, _ []byte) bool {
			seen++
			return seen < want
		})
		if seen != want {
			t.Errorf("shown %d keys, want %d", seen, want)
		}
	}
}

// check compares the part of a snapshot between two keys with the model.
func (s frozen) check(r *rapid.T, lower, upper []byte) {
	var want []string
	for _, k := range slices.Sorted(maps.Keys(s.model)) {
		if within(k, lower, upper) {
			want = append(want, k)
		}
	}
	s.Ascend(lower, upper, func(key, val []byte) bool {
		if len(want) == 0 || string(key) != want[0] || string(val) != s.model[want[0]] {
			r.Fatalf("from %q to %q: %q has %d bytes, want of %.3q", lower, upper, key, len(val), want)
		}
		want = want[1:]
		return true
	})
	if len(want) > 0 {
		r.Fatalf("from %q to %q: %.3q are missing", lower, upper, want)
	}
}

// Check looks at the map and at the shape of its trees.
func (w *world) Check(r *rapid.T) {
	key := w.key(r)
	val, closer, found := w.m.Get(key)
	if want, there := w.model[string(key)]; found != there || string(val) != want {
		r.Fatalf("%q has %d bytes, %t, want %d, %t", key, len(val), found, len(want), there)
	}
	closer.Close()
	s := frozen{w.m.Snapshot(), w.model}
	defer s.Close()
	s.check(r, nil, nil)
	for i := range s.trees {
		s.trees[i].check(r, s.trees[i].root)
	}
}

// check checks the invariants of what is below n and returns its depth.
func (t *tree) check(r *rapid.T, n *node) int {
	if len(n.refs) == 0 || len(n.refs) > fan || n.kids != nil && len(n.kids) != len(n.refs) {
		r.Fatalf("a node with %d records and %d kids", len(n.refs), len(n.kids))
	}
	for i, rec := range n.refs {
		key := t.arena.key(rec)
		if !bytes.HasPrefix(key, n.prefix) || n.heads[i] != headOf(key[len(n.prefix):]) {
			r.Fatalf("%q in a node of %q has head %08x", key, n.prefix, n.heads[i])
		}
	}
	depth := 0
	for i, kid := range n.kids {
		if kid.refs[0] != n.refs[i] {
			r.Fatalf("a kid that begins with %q instead of %q", t.arena.key(kid.refs[0]), t.arena.key(n.refs[i]))
		}
		if d := t.check(r, kid); i > 0 && d != depth {
			r.Fatalf("kids of depth %d and %d", depth, d)
		} else {
			depth = d
		}
	}
	return depth + 1
}
