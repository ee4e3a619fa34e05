package storage

import (
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Metrics of a Store. Sizes are in bytes.
type Metrics struct {
	DiskBytes     uint64 // tables, logs and what awaits deletion (in memory: the same, in memory)
	LiveBytes     uint64 // tables alone
	LogBytes      uint64 // write-ahead log
	MemTableBytes uint64
	CacheBytes    int64
	CacheHits     int64 // blocks, since Open
	CacheMisses   int64
	Compactions   int64 // finished, since Open
}

// Metrics returns sizes and counts. It takes some microseconds.
func (s *Store) Metrics() Metrics {
	m := s.db.Metrics()
	return Metrics{
		DiskBytes:     m.DiskSpaceUsage(),
		LiveBytes:     uint64(m.Total().TablesSize),
		LogBytes:      m.WAL.Size,
		MemTableBytes: m.MemTable.Size,
		CacheBytes:    m.BlockCache.Size,
		CacheHits:     m.BlockCache.Hits,
		CacheMisses:   m.BlockCache.Misses,
		Compactions:   m.Compact.Count,
	}
}

// Space returns the bytes that this process may still write to the disk that the
// directory is on, and the disk's size; both are math.MaxUint64 in memory.
func (s *Store) Space() (free, total uint64, err error) {
	usage, err := s.fs.GetDiskUsage(s.dir)
	if errors.Is(err, vfs.ErrUnsupported) {
		return math.MaxUint64, math.MaxUint64, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("free space of %s: %w", s.dir, err)
	}
	return usage.AvailBytes, usage.TotalBytes, nil
}
