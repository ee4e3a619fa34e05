package httpapi

import (
	"errors"
	"time"
)

// While the server is at work for a client, nothing is due from it. net/http reads
// all the same, in a goroutine of its own, to hear of it when the client hangs up,
// and interrupts that read when the handler returns: a tenth of a request that waits
// for anything. Here that read ends at once, with nothing, and a look at the socket
// from time to time tells of clients that have gone, for the few requests that take
// longer.
//
// A client that has closed its side may have gone, or only have nothing more to send
// and wait for its answer: TCP does not tell before the answer is sent. So its request
// goes on for Limits.Stall. A connection that is reset is known to be no more.

// hangUpEvery is how often the clients of the requests under way are looked after. A
// request meets the second look, not the first.
const hangUpEvery = 100 * time.Millisecond

// errHungUp is the cause that ends a request whose client has gone.
var errHungUp = errors.New("the client has hung up")

// spare reports whether a read is to end at once, with nothing. It is one a request
// at most: whoever insists gets a read that waits.
func (one *connection) spare() bool {
	return one.state.Load() == connBusy && one.spareOnce()
}

// spareEnd reports whether a read that has met the end of what the client sends is
// to say that there was nothing: net/http may have begun to listen while the last
// piece of a body was read, and would end the request.
func (one *connection) spareEnd() bool {
	state := one.state.Load()
	return (state == connBusy || state > 0 && state&midway != 0) && one.spareOnce()
}

func (one *connection) spareOnce() bool {
	if one.socket == nil || one.spared.Load() {
		return false
	}
	one.spared.Store(true)
	one.all.startLooking()
	return true
}

// startLooking sees to it that somebody looks after the request which is under way
// now.
func (c *connections) startLooking() {
	if c.looking.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && !c.looking.Swap(true) {
		c.lookers.Go(c.look)
	}
}

// look ends the requests whose clients have gone, and itself when there are no
// requests.
func (c *connections) look() {
	tick := time.NewTicker(hangUpEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-tick.C:
		}
		lasting, more := c.lasting()
		for _, one := range lasting {
			if one.hungUp(time.Now()) {
				one.end(errHungUp)
			}
		}
		if !more {
			return
		}
	}
}

// lasting returns the connections whose request was under way the last time, too;
// more is false if none is now, and nobody looks any more.
func (c *connections) lasting() (all []*connection, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Whoever begins a request from here on, and is overlooked below, comes to
	// startLooking.
	c.looking.Store(false)
	for one := range c.known {
		if one.state.Load() != connBusy {
			continue
		}
		more = true
		request := one.requests.Load()
		if one.looked == request {
			all = append(all, one)
			continue
		}
		one.looked, one.half = request, time.Time{}
	}
	c.looking.Store(more)
	return all, more
}

// hungUp reports whether the client has gone: it has reset the connection, or closed
// its side of it for as long as Limits.Stall.
func (one *connection) hungUp(now time.Time) bool {
	var end peerEnd
	if err := one.socket.Control(func(fd uintptr) { end = peek(fd) }); err != nil {
		return false
	}
	switch {
	case end == peerOpen:
		return false
	case end == peerReset:
		return true
	case one.half.IsZero():
		one.half = now
	}
	return now.Sub(one.half) >= one.all.stall
}

// peerEnd is what a socket tells of the other end.
type peerEnd int

const (
	peerOpen   peerEnd = iota
	peerClosed         // it sends nothing more, and may have gone
	peerReset          // it is no more
)

// close ends what looks after clients, and waits for it.
func (c *connections) close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.stop)
	}
	c.mu.Unlock()
	c.lookers.Wait()
}
