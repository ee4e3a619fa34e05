package host

import (
	"context"
	"sync/atomic"
	"time"
)

// While a node has clients its moves give way to them. A chunk is then small, is
// built while no other one is, and is followed by a rest of patience times as long as
// that took; where it is stored other writes go first, one such chunk comes to a
// batch, and a rest follows as well. So moves have a share of each node's time, however
// fast the machine is and whatever else it does, and an operation that meets one waits
// for one small piece of it. Without clients nothing rests.

const (
	// patience is how many times as long as a piece of a move took the rest is
	// that follows it.
	patience = 15
	// longestRest bounds it: a piece that took long, since the disk or the machine
	// was busy, is not to hold the next one up for seconds.
	longestRest = 10 * time.Millisecond
	// gentleBytes is chunkBytes while there are clients.
	gentleBytes = 64 << 10
	// gentleBacklog is how many chunks that give way may wait to be stored: where more
	// have come, from many nodes, those do not rest.
	gentleBacklog = 32
	// aboutTicks is for how many ticks after its last operation a client counts as
	// being there.
	aboutTicks = 2
)

// clients knows whether a node has any.
type clients struct {
	clock *clock
	seen  atomic.Uint64 // tick in which an operation came last, plus one; 0: none has
}

// note takes note of an operation of a client, which came here or to another node.
func (c *clients) note() {
	// Many write the same: most find it written.
	if now := c.clock.tick.Load() + 1; c.seen.Load() != now {
		c.seen.Store(now)
	}
}

// about reports whether there are clients.
func (c *clients) about() bool {
	seen := c.seen.Load()
	return seen != 0 && c.clock.tick.Load()+1 <= seen+aboutTicks
}

// rest is the pause between two pieces of moves. It has no lock of its own.
type rest struct{ until time.Time }

// after has a rest follow a piece that took so long.
func (r *rest) after(took time.Duration) {
	r.until = time.Now().Add(min(patience*took, longestRest))
}

// turns has pieces that give way come one at a time, each after its rest: the rest is
// taken out of the channel and put back with the turn. It has room for one.
type turns chan rest

func newTurns() turns {
	t := make(turns, 1)
	t <- rest{}
	return t
}

// take waits for a turn, which began when it returns; false if ctx ended first. The
// caller ends it with give.
func (t turns) take(ctx context.Context) (began time.Time, ok bool) {
	var r rest
	select {
	case r = <-t:
	case <-ctx.Done():
		return began, false
	}
	if left := time.Until(r.until); left > 0 {
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			t <- r
			return began, false
		}
	}
	return time.Now(), true
}

// give ends a turn that began then.
func (t turns) give(began time.Time) {
	var r rest
	r.after(time.Since(began))
	t <- r
}
