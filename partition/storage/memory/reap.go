package memory

import (
	"bytes"
	"time"
)

// A map that is emptied at once gives its records up at once, but their room is got
// back little by little: to walk through a million of them would hold up for a second
// what is to be stored next, and keep a processor busy that clients wait for.

const (
	reapAtOnce = 256              // records
	reapPause  = time.Millisecond // after so many
)

// bury has the records below n dropped, which are in no map any more.
func (a *Arena) bury(n *node) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.graves = append(a.graves, n)
	if !a.reaping {
		a.reaping = true
		a.reaper.Go(a.reap)
	}
}

// reap drops what is buried, and ends when there is nothing left. It pauses unless the
// arena is being closed.
func (a *Arena) reap() {
	dropped := 0
	for {
		a.mu.Lock()
		if len(a.graves) == 0 {
			a.graves, a.reaping = nil, false
			a.mu.Unlock()
			return
		}
		n := a.graves[0]
		a.graves = a.graves[1:]
		a.mu.Unlock()
		n.walk(func(r ref) {
			a.drop(r)
			if dropped++; dropped%reapAtOnce == 0 && !a.closing.Load() {
				time.Sleep(reapPause)
			}
		})
	}
}

// whole reports whether all keys of a tree of more than one node are from lower on and
// below upper (nil: there is no bound).
func (t *tree) whole(lower, upper []byte) bool {
	if t.root == nil || t.root.kids == nil || bytes.Compare(t.arena.key(t.root.refs[0]), lower) < 0 {
		return false
	}
	last := t.root
	for last.kids != nil {
		last = last.kids[len(last.kids)-1]
	}
	return upper == nil || bytes.Compare(t.arena.key(last.refs[len(last.refs)-1]), upper) < 0
}
