package host

import (
	"errors"
	"sync/atomic"
	"time"

	"pipelinedht/partition/replica"
)

const (
	// tickEvery is the time between two ticks. A node without work rests: several pass
	// at once, at the end of its core's Rest.
	tickEvery = 50 * time.Millisecond
	hangTicks = 200 // that a commit may take: 10 s in which this process ran
)

// errHangs ends a process whose disk takes no writes: as long as it lives it
// holds its roles.
var errHangs = errors.New("a write to the store has taken over 10 s: the disk hangs")

// clock counts ticks, and watches how many a commit takes. Ticks do not pass while
// the process is stopped, so a pause is no hang.
type clock struct {
	tick  atomic.Uint64 // passed since Open
	began atomic.Uint64 // tick at which the running commit began, plus one; 0: none runs
}

// pass lets the ticks in d pass, one at least, and returns their number so far.
func (c *clock) pass(d time.Duration) uint64 {
	return c.tick.Add(max(1, uint64((d+tickEvery/2)/tickEvery)))
}

func (c *clock) begin() { c.began.Store(c.tick.Load() + 1) }
func (c *clock) end()   { c.began.Store(0) }

// limit returns the tick that is d away.
func (c *clock) limit(d time.Duration) uint64 { return c.tick.Load() + uint64(d/tickEvery) + 1 }

// seldom reports, for what is worth a line in the log but may come often, whether
// a second has passed since it last did; last is the tick at which it did.
func (c *clock) seldom(last *atomic.Uint64) bool {
	now, old := c.tick.Load()+1, last.Load()
	return (old == 0 || now >= old+uint64(time.Second/tickEvery)) && last.CompareAndSwap(old, now)
}

// hangs reports whether the running commit has taken too long.
func (c *clock) hangs() bool {
	began := c.began.Load()
	return began != 0 && c.tick.Load()+1 > began+hangTicks
}

// tickLoop lets time pass for the core and for what has waited for too long.
func (h *Host) tickLoop() {
	pause := tickEvery
	timer := time.NewTimer(pause)
	defer timer.Stop()
	last := h.cfg.Clock()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-timer.C:
		case <-h.roused:
		}
		now, next, ok := h.tick()
		if !ok {
			return
		}
		h.totals.ticks(tickEvery + now - last - pause)
		tick := h.clock.pass(min(now-last, pause))
		last, pause = now, next
		timer.Reset(pause)
		h.forwards.cut(h.view.Load(), tick)
		h.expire(tick)
		if h.clock.hangs() {
			h.fail(errHangs)
			return
		}
	}
}

// tick lets time pass for the core. It returns what time it is and how long the next
// tick may take to come; false: the Host has ended.
func (h *Host) tick() (at, pause time.Duration, ok bool) {
	pause = tickEvery
	idle := h.forwards.len() == 0
	ok = h.step(func(core *replica.Node, now time.Duration) {
		core.GiveWay(h.clients.about())
		core.Tick(now)
		if idle && len(h.mu.waiting) == 0 {
			pause = max(pause, core.Rest())
		}
		at = now
		h.resting.Store(pause > tickEvery)
	})
	return at, pause, ok
}
