package storage

import (
	"log/slog"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options of a Store.
type Options struct {
	// Dir holds the database; it is made if missing. Empty, and without an FS:
	// everything is in memory, and gone with Close.
	Dir string
	// FS is the file system that Dir is in; nil: the operating system's.
	FS vfs.FS
	// CacheBytes of blocks, at least, are kept in memory, uncompressed; 0: 64 MiB.
	CacheBytes int64
	// RecordCacheBytes of records that were read lately are kept in memory; 0:
	// 16 MiB; negative: none. Without a directory there is no such cache.
	RecordCacheBytes int64
	// Logger gets errors, and at debug level what Pebble does; nil:
	// slog.Default().
	Logger *slog.Logger
	// Fatal is called once if the store fails after Open, with an error that is
	// ErrFailed; nil: nothing is called. It should end the process soon: until
	// then every call returns ErrFailed. It runs with locks held, so it must not
	// call the Store, nor wait for somebody who does.
	Fatal func(error)
}

const (
	// memTableBytes is what is written before a flush makes tables of it.
	memTableBytes = 16 << 20
	// memTables of that size may wait for their flush; then commits wait.
	memTables = 4
	// l0Compacts says when compactions of level 0 begin: with half as many sublevels,
	// which is four, and two by Pebble's own number, since Pebble counts each twice. More
	// of them cost a read that finds no record in memory a look at another filter, fewer
	// rewrite what the next flushes overwrite and trim.
	l0Compacts = 8
	// l0Limit is how many sublevels may await compaction; then commits wait.
	l0Limit = 24
	// openFiles bounds the tables kept open.
	openFiles = 512

	cacheBytes       = 64 << 20
	recordCacheBytes = 16 << 20
	bloomBitsPerKey  = 10
	// indexBlockBytes is large enough for a table's index to be one block.
	indexBlockBytes = 256 << 10
)

// pebbleOptions suit small values on a few cores. Files are compressed with
// Snappy (MinLZ), which leaves alone what does not shrink.
func (o *Options) pebbleOptions(fsys vfs.FS, f *failure) *pebble.Options {
	// Pebble takes the memtables, usually one in use and one being flushed, out
	// of the cache's size.
	cacheSize := o.CacheBytes + 2*memTableBytes
	p := &pebble.Options{
		FS:                          fsys,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      f,
		CacheSize:                   cacheSize,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: memTables,
		L0CompactionThreshold:       l0Compacts,
		L0StopWritesThreshold:       l0Limit,
		MaxOpenFiles:                openFiles,
		CompactionConcurrencyRange:  func() (int, int) { return 1, max(1, min(runtime.GOMAXPROCS(0), runtime.NumCPU())/2) },
		EventListener: &pebble.EventListener{
			BackgroundError: f.background,
			DataCorruption:  f.damaged,
		},
	}
	for i := range p.Levels {
		p.Levels[i].IndexBlockSize = indexBlockBytes
		p.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBitsPerKey)
	}
	// Get does not use filters of the last level, which holds nearly everything.
	p.Levels[len(p.Levels)-1].FilterPolicy = pebble.NoFilterPolicy
	return p
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	switch {
	case o.FS == nil && o.Dir != "":
		o.FS = vfs.Default
	case o.FS != nil && o.Dir == "":
		o.Dir = "store"
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = cacheBytes
	}
	if o.RecordCacheBytes == 0 {
		o.RecordCacheBytes = recordCacheBytes
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
