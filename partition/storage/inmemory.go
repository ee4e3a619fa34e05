package storage

import (
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"pipelinedht/partition/storage/memory"
)

// slotLen is what a key has before the part that its slot's map goes by.
const slotLen = 8

// inMemory is the engine of a store without a directory: for each slot a map of
// its own.
type inMemory struct {
	arena memory.Arena

	mu   sync.RWMutex
	maps map[Slot]*memory.Map // none is empty
}

func newInMemory() *inMemory { return &inMemory{maps: make(map[Slot]*memory.Map)} }

// of returns the map of a slot; nil: it has nothing.
func (e *inMemory) of(s Slot) *memory.Map {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.maps[s]
}

func (e *inMemory) get(key []byte) (val []byte, closer io.Closer, found bool, err error) {
	m := e.of(slotOf(key))
	if m == nil {
		return nil, nothing{}, false, nil
	}
	val, closer, found = m.Get(key[slotLen:])
	return val, closer, found, nil
}

func (e *inMemory) scan(lower, upper []byte, f scanFunc) error {
	src, closer := e.view(slotOf(lower))
	defer closer.Close()
	return src.scan(lower, upper, f)
}

func (e *inMemory) view(s Slot) (source, io.Closer) {
	m := e.of(s)
	if m == nil {
		return empty{}, nothing{}
	}
	snap := snapshot{s, m.Snapshot()}
	return snap, snap
}

func (e *inMemory) newBatch() *pebble.Batch { return new(pebble.Batch) }

// batchHeaderLen is what a batch begins with: sequence number 8, count 4.
const batchHeaderLen = 12

func (e *inMemory) empty(b *pebble.Batch) {
	buf := b.Repr()
	b.Reset() // which by itself keeps 1 MiB
	if cap(buf) <= batchRetained {
		clear(buf[:batchHeaderLen])
		_ = b.SetRepr(buf[:batchHeaderLen]) // fails without a header only
	}
}

func (e *inMemory) apply(b *pebble.Batch, _ bool) error {
	slots, maps, err := e.lock(b)
	if err != nil {
		return err
	}
	for r := b.Reader(); len(r) > 0 && err == nil; {
		kind, key, val, _, _ := r.Next() // which lock has seen to be valid
		i, _ := slices.BinarySearch(slots, slotOf(key))
		m := maps[i]
		key = key[slotLen:]
		switch kind {
		case pebble.InternalKeyKindSet:
			err = m.Set(key, val)
		case pebble.InternalKeyKindDelete:
			m.Delete(key)
		case pebble.InternalKeyKindRangeDelete:
			m.DeleteRange(key, val[slotLen:])
		default:
			err = fmt.Errorf("batch with a change of kind %s", kind)
		}
	}
	e.unlock(slots, maps)
	return err
}

// lock locks the maps of all slots that a batch changes, and makes those that are
// missing. Both slices are ascending by slot.
func (e *inMemory) lock(b *pebble.Batch) ([]Slot, []*memory.Map, error) {
	var slots []Slot
	for r := b.Reader(); len(r) > 0; {
		_, key, _, ok, err := r.Next()
		if err != nil || !ok {
			return nil, nil, fmt.Errorf("read a batch: %w", err)
		}
		if s := slotOf(key); len(slots) == 0 || s != slots[len(slots)-1] {
			slots = append(slots, s)
		}
	}
	slices.Sort(slots)
	slots = slices.Compact(slots)
	maps := make([]*memory.Map, len(slots))
	e.mu.Lock()
	for i, s := range slots {
		if maps[i] = e.maps[s]; maps[i] == nil {
			maps[i] = memory.New(&e.arena)
			e.maps[s] = maps[i]
		}
	}
	e.mu.Unlock()
	for _, m := range maps { // in the same order for all, so that none waits for the other
		m.Lock()
	}
	return slots, maps, nil
}

// unlock undoes lock and lets go of the maps that are empty. Nobody else writes to
// them meanwhile: batches of one slot come one after the other.
func (e *inMemory) unlock(slots []Slot, maps []*memory.Map) {
	for i, m := range maps {
		gone := m.Empty()
		m.Unlock()
		if gone {
			e.mu.Lock()
			delete(e.maps, slots[i])
			e.mu.Unlock()
		}
	}
}

func (e *inMemory) seal() error { return nil }

func (e *inMemory) metrics() Metrics { return Metrics{MemTableBytes: uint64(e.arena.Bytes())} }

func (e *inMemory) space() (free, total uint64, err error) {
	return math.MaxUint64, math.MaxUint64, nil
}

// close empties all maps, so that what is read after it is not there.
func (e *inMemory) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range e.maps {
		m.Lock()
		m.DeleteRange(nil, nil)
		m.Unlock()
	}
	clear(e.maps)
	e.arena.Close()
	return nil
}

// snapshot is what a slot's map held.
type snapshot struct {
	slot Slot
	of   *memory.Snapshot
}

func (s snapshot) get(key []byte) (val []byte, closer io.Closer, found bool, err error) {
	if slotOf(key) == s.slot {
		val, found = s.of.Get(key[slotLen:])
	}
	return val, nothing{}, found, nil
}

func (s snapshot) scan(lower, upper []byte, f scanFunc) (err error) {
	if slotOf(lower) != s.slot {
		return nil
	}
	key := append([]byte(nil), lower[:slotLen]...)
	if upper != nil {
		upper = upper[slotLen:]
	}
	s.of.Ascend(lower[slotLen:], upper, func(k, v []byte) (more bool) {
		key = append(key[:slotLen], k...)
		more, err = f(key, v)
		return more && err == nil
	})
	return err
}

// Close ends the snapshot.
func (s snapshot) Close() error {
	s.of.Close()
	return nil
}

// empty is what a slot without a map has.
type empty struct{}

func (empty) get([]byte) ([]byte, io.Closer, bool, error) { return nil, nothing{}, false, nil }

func (empty) scan([]byte, []byte, scanFunc) error { return nil }
