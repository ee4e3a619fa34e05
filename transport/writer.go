package transport

import (
	"net"
	"runtime"
	"time"
)

const (
	// silentTicks is after how many keep-alive intervals without a byte from the
	// other end a connection is closed.
	silentTicks = 3
	// writePiece is how many bytes the other end must take within silentTicks
	// keep-alive intervals.
	writePiece = 256 << 10
)

// write writes what is sent, and keep-alives when that is nothing, until the
// connection is closed or fails. It returns why.
func (c *conn) write() error {
	tick := time.NewTicker(c.t.cfg.KeepAlive)
	defer tick.Stop()
	var seen silenceWatch
	var batch [][]byte
	for {
		select {
		case <-c.ctx.Done():
			return net.ErrClosed
		case <-tick.C:
			if seen.silent(c.reads.Load()) {
				return errSilent
			}
			c.keepAlive()
			continue
		case <-c.wake:
		}
		// Let those that are ready to run add their frames: one write for many.
		runtime.Gosched()
		for {
			if batch = c.takeBatch(batch); len(batch) == 0 {
				break
			}
			if err := c.writeBatch(batch); err != nil {
				return err
			}
		}
	}
}

// takeBatch gives the last batch, now written, back and returns the next one. It
// is empty if there is none or the connection is closed.
func (c *conn) takeBatch(last [][]byte) [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.wrote(last)
	if c.err != nil {
		return nil
	}
	if len(last) > 0 {
		c.signalRoomLocked()
	}
	batch := c.out.take(last)
	c.writing = len(batch) > 0
	return batch
}

func (c *conn) writeBatch(batch [][]byte) error {
	for _, segment := range batch {
		for len(segment) > 0 {
			piece := segment[:min(len(segment), writePiece)]
			c.nc.SetWriteDeadline(time.Now().Add(c.silence()))
			if _, err := c.nc.Write(piece); err != nil {
				return err
			}
			segment = segment[len(piece):]
		}
	}
	return nil
}

// keepAlive sends a frame if nothing else is under way just now.
func (c *conn) keepAlive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && c.out.queued == 0 {
		alive := newFrame(frameAlive, 0, nil)
		c.out.add(&alive)
		c.wakeLocked()
	}
}

// silenceWatch counts the ticks during which a reader waited in vain. Counting
// them, rather than time, forgives a pause of this process itself.
type silenceWatch struct {
	last  uint64
	ticks int
}

// silent is called at every tick with the connection's reads.
func (w *silenceWatch) silent(reads uint64) bool {
	if waiting := reads%2 == 1; !waiting || reads != w.last {
		w.last, w.ticks = reads, 0
		return false
	}
	w.ticks++
	return w.ticks >= silentTicks
}
