package storage

import (
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/coocood/freecache"

	"pipelinedht/partition"
)

// recordCache keeps data records that were read lately, as Pebble has them, so
// that reading a popular key does not search memtables and tables. It never has a
// record that a finished commit has replaced.
//
// A reader that found nothing in it notes how many changes the key's stripe has
// seen, reads Pebble, and puts what it got only if there was none since. A commit
// is in Pebble before it counts as a change and drops its keys.
type recordCache struct {
	records *freecache.Cache // safe for concurrent use
	clock   *cacheClock
	stripes [256]stripe

	// emptied counts how often a slot that had records was emptied, and stays in
	// use. It is part of the key, so that what was there before cannot be found.
	emptied map[Slot]uint32
	mu      sync.RWMutex // guards emptied
	any     atomic.Bool  // emptied has something
}

// stripe is what the keys of one hash have seen.
type stripe struct {
	mu      sync.Mutex // held from the comparison or change to the end of Set or Del
	changes atomic.Uint64
	_       [48]byte // a cache line for each
}

// cacheClock tells the cache which records were used longer ago: it counts what
// was put in.
type cacheClock struct{ puts atomic.Uint32 }

// Now implements freecache.Timer.
func (c *cacheClock) Now() uint32 { return c.puts.Load() }

func newRecordCache(size int64) *recordCache {
	c := &recordCache{clock: new(cacheClock), emptied: make(map[Slot]uint32)}
	c.records = freecache.NewCacheCustomTimer(int(size), c.clock)
	return c
}

// appendKey returns the cache's key of a key of Pebble.
func (c *recordCache) appendKey(buf []byte, s Slot, key []byte) []byte {
	return binary.BigEndian.AppendUint32(appendKey(buf, s, kindData, key), c.timesEmptied(s))
}

func (c *recordCache) timesEmptied(s Slot) uint32 {
	if !c.any.Load() {
		return 0
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.emptied[s]
}

func (c *recordCache) stripe(k []byte) *stripe {
	return &c.stripes[xxhash.Sum64(k)%uint64(len(c.stripes))]
}

// get copies a record into buf, if there is one. If not, seen is for put.
func (c *recordCache) get(k, buf []byte) (val []byte, seen uint64, found bool) {
	val, err := c.records.GetWithBuf(k, buf)
	if err == nil {
		return val, 0, true
	}
	return nil, c.stripe(k).changes.Load(), false
}

// put keeps a record that was read after get had returned seen. One that is too
// large is not kept.
func (c *recordCache) put(k, val []byte, seen uint64) {
	s := c.stripe(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes.Load() == seen {
		c.clock.puts.Add(1)
		c.records.Set(k, val, 0) // its error says that the record is too large
	}
}

// heed forgets what a batch that was committed has changed: copies as a whole, and
// keys of Pebble.
func (c *recordCache) heed(staged []stagedCopy, changes batchrepr.Reader) error {
	for i := range staged {
		if st := &staged[i]; st.dropped || st.emptied {
			c.empty(st.slot, st.dropped)
		}
	}
	var k []byte
	for len(changes) > 0 {
		_, key, _, ok, err := changes.Next()
		if err != nil || !ok {
			return err
		}
		if slot := slotOf(key); slot != nodeSlot && key[prefixLen-1] == kindData {
			k = c.appendKey(k[:0], slot, key[prefixLen:])
			c.forget(k)
		}
	}
	return nil
}

func (c *recordCache) forget(k []byte) {
	s := c.stripe(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes.Add(1)
	c.records.Del(k)
}

// empty forgets a slot, which may be gone for good: none is used twice.
func (c *recordCache) empty(s Slot, gone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if gone {
		delete(c.emptied, s)
	} else {
		c.emptied[s]++
	}
	c.any.Store(len(c.emptied) > 0)
}

// cachedRecord is the closer of a record that came out of the cache.
type cachedRecord struct {
	key, val []byte
}

var cachedRecords = sync.Pool{New: func() any { return new(cachedRecord) }}

// Close gives the buffers back.
func (r *cachedRecord) Close() error {
	cachedRecords.Put(r)
	return nil
}

// Get reads the record of key as reader.Get does, out of the cache if it is there.
func (s *Store) Get(slot Slot, key []byte) (partition.Record, bool, io.Closer, error) {
	if s.cache == nil {
		return s.reader.Get(slot, key)
	}
	if err := s.failure.err(); err != nil {
		return partition.Record{}, false, nothing{}, err
	}
	c := cachedRecords.Get().(*cachedRecord)
	c.key = s.cache.appendKey(c.key[:0], slot, key)
	val, seen, found := s.cache.get(c.key, c.val[:cap(c.val)])
	if found {
		c.val = val
		return record(slot, key, val, c, nil)
	}
	val, closer, err := s.data(slot, key)
	if err == nil && val != nil {
		s.cache.put(c.key, val, seen)
	}
	c.Close()
	return record(slot, key, val, closer, err)
}
