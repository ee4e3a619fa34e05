package transport

import (
	"errors"
	"syscall"
)

// Messages are written by whoever sends them, where that does not wait: to wake the
// writer for them is two switches of goroutines, and often of threads, while the other
// end waits. Calls and replies are left to the writer, which finds many at a time.

// directBytes is up to how many bytes a sender writes itself.
const directBytes = 64 << 10

// unwritten is what a sender could not write without waiting.
type unwritten struct {
	batch   [][]byte
	written int // bytes of it
}

// sendNow is send, and has the frames written at once if the connection is idle.
func (c *conn) sendNow(limit int, frames []frame) bool {
	batch, taken := c.takeIn(limit, frames)
	if batch == nil {
		return taken
	}
	written, err := c.tryWrite(batch)
	if err != nil {
		c.close(err)
	} else {
		c.wroteNow(batch, written)
	}
	return true
}

// takeIn takes all the frames or none of them, as send does. It returns what its caller
// is to write, if it is to: nobody else writes until wroteNow.
func (c *conn) takeIn(limit int, frames []frame) (batch [][]byte, taken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || !c.out.fits(size(frames), limit) {
		return nil, false
	}
	c.out.add(frames)
	if c.direct == nil || c.writing || c.out.queued > directBytes {
		c.wakeLocked()
		return nil, true
	}
	c.writing = true
	batch = c.out.take(c.idle)
	c.idle = nil
	return batch, true
}

// wroteNow ends a write of so many bytes of the batch that takeIn returned.
func (c *conn) wroteNow(batch [][]byte, written int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if written < bytesOf(batch) {
		c.left = unwritten{batch, written}
		c.wake <- struct{}{} // has room, as in wakeNowLocked
		return
	}
	c.out.wrote(batch)
	c.idle = batch
	c.signalRoomLocked()
	if c.writing = false; c.out.queued > 0 {
		c.wakeLocked()
	}
}

func bytesOf(batch [][]byte) (n int) {
	for _, segment := range batch {
		n += len(segment)
	}
	return n
}

// tryWrite writes as much as can be written without waiting.
func (c *conn) tryWrite(batch [][]byte) (written int, err error) {
	for _, segment := range batch {
		n := 0
		failed := c.direct.Write(func(fd uintptr) (done bool) {
			n, err = syscall.Write(int(fd), segment)
			return true
		})
		written += max(n, 0)
		switch {
		case failed != nil:
			return written, failed
		case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR), err == nil && n < len(segment):
			return written, nil
		case err != nil:
			return written, err
		}
	}
	return written, nil
}

// takeLeft returns what a sender left for the writer.
func (c *conn) takeLeft() unwritten {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.left
	c.left = unwritten{}
	return left
}
