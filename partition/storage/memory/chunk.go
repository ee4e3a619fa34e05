package memory

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// chunkBytes is how much address space the slots of one size take at a time. Only
// what is written takes memory.
const chunkBytes = 1 << 20

// chunk is a range of addresses, for slots of one size or for one large record.
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
	c, err := a.unused(chunkBytes)
	if err != nil {
		return nil, err
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

// unused returns a chunk of n bytes that nobody has.
func (a *Arena) unused(n int) (*chunk, error) {
	empty := a.empty[n]
	if len(empty) == 0 {
		return a.mapped(n)
	}
	c := empty[len(empty)-1]
	a.empty[n] = empty[:len(empty)-1]
	a.warm.remove(c)
	return c, nil
}

// retire gives the memory of a chunk that has become empty back, that of a large record
// after others. The chunk keeps its addresses and number: addresses without a mapping
// between others would cost the kernel an entry each, of which a process gets some ten
// thousand.
func (a *Arena) retire(c *chunk) {
	if c.at >= 0 {
		a.close(c)
	}
	if c.class == classes {
		a.warm.add(c)
	} else {
		c.giveBack()
	}
	c.carved, c.free = 0, 0
	if a.empty == nil {
		a.empty = make(map[int][]*chunk)
	}
	a.empty[len(c.bytes)] = append(a.empty[len(c.bytes)], c)
}

// giveBack has the operating system take the memory, and the addresses stay.
func (c *chunk) giveBack() {
	if err := unix.Madvise(c.bytes, unix.MADV_DONTNEED); err != nil {
		panic(fmt.Sprintf("give back %d bytes: %v", len(c.bytes), err)) // not a mapping: a broken invariant
	}
}

// mapped makes a chunk of n bytes and gives it a number.
func (a *Arena) mapped(n int) (*chunk, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	t := a.chunks()
	if t == nil {
		t = []*chunk{nil}
	}
	c := &chunk{bytes: b, number: uint32(len(t)), at: -1}
	t = append(t, c)
	a.table.Store(&t)
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
	a.retire(c)
}

// Close gives all addresses back that have no record. What still has some stays for
// ever: no map may be used any more.
func (a *Arena) Close() {
	a.closing.Store(true)
	a.reaper.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []*chunk
	for _, empty := range a.empty {
		all = append(all, empty...)
	}
	a.empty, a.warm = nil, warm{}
	// From one end, so that this, too, leaves as few holes as can be.
	slices.SortFunc(all, func(x, y *chunk) int { return cmp.Compare(x.address(), y.address()) })
	for _, c := range all {
		if err := unix.Munmap(c.bytes); err != nil {
			panic(fmt.Sprintf("munmap of %d bytes: %v", len(c.bytes), err)) // not a mapping: a broken invariant
		}
		c.bytes = nil
	}
}

func (c *chunk) address() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(c.bytes))) }
