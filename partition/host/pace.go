package host

import (
	"sync/atomic"
	"time"
)

const (
	// slowRead is how long a read of the store takes that went to the disk.
	slowRead = 200 * time.Microsecond
	// slowSpell is how many reads after a slow one are handed off.
	slowSpell = 256
	// maxHanded bounds the reads that are handed off at a time. Beyond it the
	// connection's own goroutine reads, which slows its peer down.
	maxHanded = 1024
)

// pace decides who reads the store for another node's operation: the goroutine of
// the connection, which costs nothing but has everything behind it wait, or one of
// its own. While reads are served from memory the first is right; a read that
// took long has the next ones handed off.
type pace struct {
	slow   atomic.Int64 // reads still to be handed off
	handed atomic.Int64 // under way
}

// handOff reports whether to hand the next read off.
func (p *pace) handOff() bool {
	return p.slow.Load() > 0 && p.slow.Add(-1) >= 0 && p.handed.Load() < maxHanded
}

// took notes how long a read took that was not handed off.
func (p *pace) took(d time.Duration) {
	if d > slowRead {
		p.slow.Store(slowSpell)
	}
}

// handOff runs serve in a goroutine that Close waits for; false if the Host has
// ended, and serve is not run.
func (h *Host) handOff(serve func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.ended != nil {
		return false
	}
	h.pace.handed.Add(1)
	h.wg.Go(func() {
		defer h.pace.handed.Add(-1)
		serve()
	})
	return true
}
