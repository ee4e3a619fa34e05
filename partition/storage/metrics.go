package storage

// Metrics of a Store. Sizes are in bytes.
type Metrics struct {
	DiskBytes     uint64 // tables, logs and what awaits deletion
	LiveBytes     uint64 // tables alone
	LogBytes      uint64 // write-ahead log
	MemTableBytes uint64 // in memory, everything
	CacheBytes    int64
	CacheHits     int64 // blocks, since Open
	CacheMisses   int64
	Compactions   int64 // finished, since Open
}

// Metrics returns sizes and counts. It takes some microseconds.
func (s *Store) Metrics() Metrics { return s.engine.metrics() }

// Space returns the bytes that this process may still write to the disk that the
// directory is on, and the disk's size; both are math.MaxUint64 in memory.
func (s *Store) Space() (free, total uint64, err error) { return s.engine.space() }
