package storage

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// extentChunk is how much address space an extent takes at a time. Only what is
// written takes memory.
const extentChunk = 1 << 20

// extent is a growing run of bytes outside of Go's heap. It is freed when the
// last holder releases it.
type extent struct {
	holders atomic.Int32

	mu     sync.RWMutex
	size   int64
	chunks [][]byte // of extentChunk bytes; all but the last are full
}

// newExtent returns an empty extent with one holder.
func newExtent() *extent {
	e := new(extent)
	e.holders.Store(1)
	return e
}

// release ends one holder's use of e.
func (e *extent) release() {
	switch n := e.holders.Add(-1); {
	case n < 0:
		panic(fmt.Sprintf("extent released %d times too often", -n))
	case n > 0:
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.chunks {
		if err := unix.Munmap(c); err != nil {
			panic(fmt.Sprintf("munmap of %d bytes: %v", len(c), err)) // not a mapping: a broken invariant
		}
	}
	e.chunks, e.size = nil, 0
}

func (e *extent) len() int64 {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.size
}

// append adds p. An error means that the machine is out of memory.
func (e *extent) append(p []byte) (written int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(p) > 0 {
		at := int(e.size % extentChunk)
		if at == 0 {
			c, err := unix.Mmap(-1, 0, extentChunk, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
			if err != nil {
				return written, fmt.Errorf("%d more bytes of memory: %w", extentChunk, err)
			}
			e.chunks = append(e.chunks, c)
		}
		n := copy(e.chunks[len(e.chunks)-1][at:], p)
		e.size += int64(n)
		written += n
		p = p[n:]
	}
	return written, nil
}

// readAt is io.ReaderAt.
func (e *extent) readAt(p []byte, off int64) (read int, err error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for read < len(p) && off < e.size {
		c := e.chunks[off/extentChunk]
		end := min(extentChunk, e.size-off/extentChunk*extentChunk)
		n := copy(p[read:], c[off%extentChunk:end])
		read += n
		off += int64(n)
	}
	if read < len(p) {
		return read, io.EOF
	}
	return read, nil
}
