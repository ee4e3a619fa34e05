package storage

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// disk is the engine of a store with a directory: Pebble.
type disk struct {
	pebbleSource
	db      *pebble.DB
	dir     string
	fs      vfs.FS
	failure *failure
	witness seal
}

func (d *disk) newBatch() *pebble.Batch {
	return d.db.NewBatch(pebble.WithMaxRetainedSizeBytes(batchRetained))
}

func (d *disk) empty(b *pebble.Batch) { b.Reset() }

func (d *disk) apply(b *pebble.Batch, durable bool) error {
	if durable {
		return b.Commit(pebble.Sync)
	}
	return b.Commit(pebble.NoSync)
}

func (d *disk) view(Slot) (source, io.Closer) {
	snap := d.db.NewSnapshot()
	return pebbleSource{snap}, snap
}

func (d *disk) seal() error { return d.witness.renew(d.failure) }

func (d *disk) metrics() Metrics {
	m := d.db.Metrics()
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

func (d *disk) space() (free, total uint64, err error) {
	usage, err := d.fs.GetDiskUsage(d.dir)
	if errors.Is(err, vfs.ErrUnsupported) {
		return math.MaxUint64, math.MaxUint64, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("free space of %s: %w", d.dir, err)
	}
	return usage.AvailBytes, usage.TotalBytes, nil
}

func (d *disk) close() error {
	sealing := d.seal()
	return errors.Join(sealing, d.witness.close(), d.db.Close())
}
