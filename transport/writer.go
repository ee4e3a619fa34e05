package transport

import (
	"context"
	"runtime"
)

// writePiece is how many bytes the other end must take within stallTicks.
const writePiece = 256 << 10

// write writes what is sent until the connection is closed or fails. It returns
// why.
func (c *conn) write() error {
	var batch [][]byte
	for {
		select {
		case <-c.ctx.Done():
			return context.Cause(c.ctx)
		case <-c.wake:
		}
		// Let those that are ready to run add their frames: one write for many.
		runtime.Gosched()
		if left := c.takeLeft(); left.batch != nil {
			batch = left.batch
			if err := c.writeBatch(batch, left.written); err != nil {
				return err
			}
		}
		for {
			if batch = c.takeBatch(batch); len(batch) == 0 {
				break
			}
			if err := c.writeBatch(batch, 0); err != nil {
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

// writeBatch writes a batch but for its first bytes.
func (c *conn) writeBatch(batch [][]byte, but int) error {
	for _, segment := range batch {
		n := min(but, len(segment))
		segment, but = segment[n:], but-n
		for len(segment) > 0 {
			piece := segment[:min(len(segment), writePiece)]
			c.writes.Add(1)
			_, err := c.nc.Write(piece)
			c.writes.Add(1)
			if err != nil {
				return err
			}
			segment = segment[len(piece):]
		}
	}
	return nil
}
