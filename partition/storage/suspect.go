package storage

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// SlotRange is all slots from First to Last.
type SlotRange struct{ First, Last Slot }

// suspects are the tables that were found damaged, by whoever read them: a
// compaction, too.
type suspects struct {
	mu    sync.Mutex // guards the following
	known map[string]bool
	fresh []SlotRange
}

// add takes note of a damaged table and reports whether that is news. Each is
// reported once, however often it is read.
func (s *suspects) add(info pebble.DataCorruptionInfo) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[info.Path] {
		return false
	}
	if s.known == nil {
		s.known = make(map[string]bool)
	}
	s.known[info.Path] = true
	r := SlotRange{Last: ^Slot(0)}
	if len(info.Bounds.Start) >= prefixLen && len(info.Bounds.End.Key) >= prefixLen {
		r = SlotRange{slotOf(info.Bounds.Start), slotOf(info.Bounds.End.Key)}
	}
	s.fresh = append(s.fresh, r)
	return true
}

// Suspects returns the slots of whose copies a part may be in a table that was found
// damaged since the last call. Whoever reads them through finds out which are.
func (s *Store) Suspects() []SlotRange {
	all := &s.failure.suspects
	all.mu.Lock()
	defer all.mu.Unlock()
	fresh := all.fresh
	all.fresh = nil
	return fresh
}

// Verify reads a copy through, its log included. ErrCorrupt: it is damaged.
func (r reader) Verify(s Slot) error {
	return r.scan(appendPrefix(nil, s, 0), appendPrefix(nil, s, kindEnd), func(k, v []byte) (bool, error) {
		if k[prefixLen-1] == kindData {
			if _, err := decodeData(v); err != nil {
				return false, readError(s, k, err)
			}
		}
		return true, nil
	})
}
