package storage

import (
	"slices"
	"sync"

	"pipelinedht/partition"
)

// tails remembers where the copies stand, so that a write need not read its
// copy's log. A position gets here when it is first asked for, and changes with
// each commit.
type tails struct {
	read reader

	mu     sync.Mutex
	bySlot map[Slot]partition.Position
}

// position returns where a copy stands; its Terms and Mark are shared and must
// not be edited. ErrNoCopy: there is none.
func (t *tails) position(s Slot) (partition.Position, error) {
	// The lock is held while the log is read (a few hundred records, once for
	// each copy), lest a commit falls between reading and remembering.
	t.mu.Lock()
	defer t.mu.Unlock()
	if pos, ok := t.bySlot[s]; ok {
		return pos, nil
	}
	pos, err := t.read.position(s)
	if err != nil {
		return pos, err
	}
	t.bySlot[s] = pos
	return pos, nil
}

// giveUp has a copy stand as one of which nothing can be used, so that it can be
// dropped or taken in anew.
func (t *tails) giveUp(s Slot) partition.Position {
	pos := partition.Position{LogStart: 1, Mark: &partition.Mark{Fresh: true}}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bySlot[s] = pos
	return pos
}

// set takes in what a committed batch made of its copies.
func (t *tails) set(staged []stagedCopy) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range staged {
		if c := &staged[i]; c.dropped {
			delete(t.bySlot, c.slot)
		} else {
			t.bySlot[c.slot] = c.pos
		}
	}
}

// own returns a position whose Terms the caller may append to.
func own(pos partition.Position) partition.Position {
	pos.Terms = slices.Clone(pos.Terms)
	return pos
}
