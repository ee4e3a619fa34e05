package memory

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
)

// ref is where a record is: the number of its chunk, 32 bits, and its offset there.
// No record is at 0.
type ref uint64

func (r ref) chunk() uint32  { return uint32(r >> 32) }
func (r ref) offset() uint32 { return uint32(r) }

// A record is
//
//	key length 4 | value length 4 | key | value
//
// in little-endian. A slot without a record begins with the offset of another one
// like it, plus one, 4 bytes; 0: there is none.
const headerLen = 8

// Arena is memory for records. The zero Arena is empty and ready to use.
type Arena struct {
	// table has the chunks by number, the first one nil. It is replaced to grow; its
	// entries do not change.
	table atomic.Pointer[[]*chunk]
	used  atomic.Int64 // bytes in slots and large records

	mu    sync.Mutex // guards the following, and all chunks but for their bytes
	open  [classes][]*chunk
	empty map[int][]*chunk // by their size in bytes
	warm  warm             // some of empty

	graves  []*node // with records to be dropped
	reaping bool    // reaper runs

	reaper  sync.WaitGroup
	closing atomic.Bool
}

// Bytes returns the bytes that records take, with what they leave unused of their
// slots.
func (a *Arena) Bytes() int64 { return a.used.Load() }

// chunks returns the table.
func (a *Arena) chunks() []*chunk {
	if t := a.table.Load(); t != nil {
		return *t
	}
	return nil
}

// key returns the key of a record.
func (a *Arena) key(r ref) []byte {
	b := a.chunks()[r.chunk()].bytes[r.offset():]
	return b[headerLen : headerLen+binary.LittleEndian.Uint32(b)]
}

// record returns key and value of a record.
func (a *Arena) record(r ref) (key, val []byte) {
	b := a.chunks()[r.chunk()].bytes[r.offset():]
	k, v := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	b = b[headerLen : headerLen+k+v]
	return b[:k:k], b[k:]
}

// put makes a record. An error means that the machine is out of memory.
func (a *Arena) put(key, val []byte) (ref, error) {
	n := headerLen + len(key) + len(val)
	r, b, err := a.take(n)
	if err != nil {
		return 0, fmt.Errorf("%d bytes of memory for a record: %w", n, err)
	}
	binary.LittleEndian.PutUint32(b, uint32(len(key)))
	binary.LittleEndian.PutUint32(b[4:], uint32(len(val)))
	copy(b[headerLen+copy(b[headerLen:], key):], val)
	return r, nil
}

// take finds room for n bytes.
func (a *Arena) take(n int) (ref, []byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	class := classOf(n)
	if class == classes {
		c, err := a.unused(largeSize(n))
		if err != nil {
			return 0, nil, err
		}
		c.class = classes
		c.holders.Store(1)
		a.used.Add(int64(len(c.bytes)))
		return ref(c.number) << 32, c.bytes, nil
	}
	c, err := a.roomy(class)
	if err != nil {
		return 0, nil, err
	}
	size := sizes[class]
	at := c.free - 1
	if c.free > 0 {
		c.free = binary.LittleEndian.Uint32(c.bytes[at:])
	} else {
		at = c.carved
		c.carved += size
	}
	if c.live++; c.free == 0 && c.carved+size > chunkBytes {
		a.close(c)
	}
	a.used.Add(int64(size))
	return ref(c.number)<<32 | ref(at), c.bytes[at : at+size], nil
}

// drop ends the use of a record, of which nobody may read any more unless it holds
// it (see hold).
func (a *Arena) drop(r ref) {
	c := a.chunks()[r.chunk()]
	if c.class == classes {
		a.release(c)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used.Add(-int64(sizes[c.class]))
	if c.live--; c.live == 0 {
		a.retire(c)
		return
	}
	binary.LittleEndian.PutUint32(c.bytes[r.offset():], c.free)
	c.free = r.offset() + 1
	if c.at < 0 {
		c.at = len(a.open[c.class])
		a.open[c.class] = append(a.open[c.class], c)
	}
}
