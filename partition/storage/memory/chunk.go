package memory

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// chunkBytes is how much address space the slots of one size take at a time. Only
// what is written takes memory.
const chunkBytes = 1 << 20

// chunk is a mapping, for slots of one size or for one large record.
type chunk struct {
	bytes  []byte
	number uint32
	class  int
	live   uint32 // slots that have a record
	carved uint32 // bytes from the start on that have been slots
	free   uint32 // offset of a slot without a record, plus one; 0: there is none
	at     int    // index in Arena.open; -1: it is not there
	// holders of a large record: the map that has it, and who reads it.
	holders atomic.Int32
}

// roomy returns a chunk that has room for a record of a class.
func (a *Arena) roomy(class int) (*chunk, error) {
	if open := a.open[class]; len(open) > 0 {
		return open[len(open)-1], nil
	}
	var c *chunk
	if n := len(a.empty); n > 0 {
		c = a.empty[n-1]
		a.empty = a.empty[:n-1]
	} else {
		var err error
		if c, err = a.mapped(chunkBytes); err != nil {
			return nil, err
		}
	}
	c.class, c.at = class, 0
	a.open[class] = append(a.open[class], c)
	return c, nil
}

// close takes a chunk that is full from the open ones.
func (a *Arena) close(c *chunk) {
	open := a.open[c.class]
	last := open[len(open)-1]
	open[c.at], last.at = last, c.at
	open[len(open)-1] = nil
	a.open[c.class] = open[:len(open)-1]
	c.at = -1
}

// retire gives the memory of a chunk that has become empty back. It keeps its
// addresses and number.
func (a *Arena) retire(c *chunk) {
	if c.at >= 0 {
		a.close(c)
	}
	if err := unix.Madvise(c.bytes, unix.MADV_DONTNEED); err != nil {
		panic(fmt.Sprintf("give back %d bytes: %v", len(c.bytes), err)) // not a mapping: a broken invariant
	}
	c.carved, c.free = 0, 0
	a.empty = append(a.empty, c)
}

// mapped makes a chunk of n bytes and gives it a number.
func (a *Arena) mapped(n int) (*chunk, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	c := &chunk{bytes: b, at: -1}
	t := a.chunks()
	switch k := len(a.holes); {
	case k > 0:
		c.number = a.holes[k-1]
		a.holes = a.holes[:k-1]
		t[c.number] = c // nobody has a ref to it
	case t == nil:
		t = []*chunk{nil}
		fallthrough
	default:
		c.number = uint32(len(t))
		t = append(t, c)
		a.table.Store(&t)
	}
	return c, nil
}

// hold has a large record stay until its release; nil: it is a small one.
func (a *Arena) hold(r ref) *held {
	c := a.chunks()[r.chunk()]
	if c.class != classes {
		return nil
	}
	c.holders.Add(1)
	return &held{a, c}
}

// held is a large record that somebody reads.
type held struct {
	arena *Arena
	chunk *chunk
}

// Close ends the reading.
func (h *held) Close() error {
	h.arena.release(h.chunk)
	return nil
}

// release ends one holder's use of a large record.
func (a *Arena) release(c *chunk) {
	switch n := c.holders.Add(-1); {
	case n < 0:
		panic(fmt.Sprintf("record released %d times too often", -n))
	case n > 0:
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used.Add(-int64(len(c.bytes)))
	a.chunks()[c.number] = nil
	a.holes = append(a.holes, c.number)
	a.unmap(c)
}

// Close gives all addresses back that have no record. What still has some stays for
// ever: no map may be used any more.
func (a *Arena) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.empty {
		a.unmap(c)
	}
	a.empty = nil
}

func (a *Arena) unmap(c *chunk) {
	if err := unix.Munmap(c.bytes); err != nil {
		panic(fmt.Sprintf("munmap of %d bytes: %v", len(c.bytes), err)) // not a mapping: a broken invariant
	}
	c.bytes = nil
}
