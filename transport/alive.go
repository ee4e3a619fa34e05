package transport

import (
	"errors"
	"time"
)

const (
	// silentTicks is after how many keep-alive intervals without a byte from the
	// other end a connection is closed.
	silentTicks = 3
	// stallTicks is after how many keep-alive intervals a connection is closed
	// whose other end lives, and takes nothing of what is sent to it.
	stallTicks = 30
)

var (
	errSilent  = errors.New("no sign of life from the other end")
	errStalled = errors.New("the other end takes nothing in")
)

// watch closes the connection when its other end is silent or stalls, and shows
// it that this one lives. All connections of a Transport do so at the same
// moment: an idle node wakes once for all of them.
func (c *conn) watch() {
	tick := time.NewTimer(c.t.untilKeepAlive())
	defer tick.Stop()
	var reads, writes waitCounter
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
			tick.Reset(c.t.untilKeepAlive())
		}
		if reads.tick(c.reads.Load()) >= silentTicks {
			c.close(errSilent)
		}
		if writes.tick(c.writes.Load()) >= stallTicks {
			c.close(errStalled)
		}
		c.keepAlive()
	}
}

// untilKeepAlive returns the time until the next of the moments, KeepAlive apart,
// at which connections are looked after.
func (t *Transport) untilKeepAlive() time.Duration {
	return t.cfg.KeepAlive - time.Since(t.began)%t.cfg.KeepAlive
}

// keepAlive sends a frame if nothing else is under way just now, and at once: the
// reader may be busy for long.
func (c *conn) keepAlive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && c.out.queued == 0 {
		alive := newFrame(frameAlive, 0, nil)
		c.out.addOne(&alive)
		c.wakeNowLocked()
	}
}

// waitCounter counts for how many ticks somebody has waited in vain. Counting
// ticks, rather than time, forgives a pause of this process itself.
type waitCounter struct {
	last  uint64
	ticks int
}

// tick is called at every tick with a number that is odd while somebody waits
// and changes when the wait ends.
func (w *waitCounter) tick(now uint64) int {
	if now%2 == 0 || now != w.last {
		w.last, w.ticks = now, 0
	} else {
		w.ticks++
	}
	return w.ticks
}
