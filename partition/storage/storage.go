// Package storage keeps a node's copies in one Pebble database.
package storage

import (
	"errors"
	"io"
	"log/slog"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
)

var errStub = errors.New("not there yet")

// Options of a Store.
type Options struct {
	Dir        string
	FS         vfs.FS // nil: vfs.Default
	Sync       bool   // fsync in every Commit
	CacheBytes int64  // of blocks; 0: a default
	Logger     *slog.Logger
	Fatal      func(error) // called once, when the store can no longer be trusted; should end the process
}

// Errors of Open and of reading.
var (
	ErrLocked       = errors.New("directory is in use by another process")
	ErrNewerFormat  = errors.New("data were written by a newer version of this program")
	ErrNotDirectory = errors.New("not a directory")
	ErrNotStore     = errors.New("directory holds something else")
	ErrCorrupt      = errors.New("stored data are damaged")
	ErrFailed       = errors.New("store has failed")
	ErrExists       = errors.New("copy exists already")
	ErrNoCopy       = errors.New("no such copy")
)

// Slot is the key prefix of one copy, never reused.
type Slot uint64

// Generation is one life of the node, one cluster membership; from 1.
type Generation uint64

// Copy is an entry of the directory.
type Copy struct {
	Partition partition.ID
	Slot      Slot
	Origin    partition.Origin
	Position  partition.Position
}

// Head says how a transfer begins (replica.ChunkHead converts to it).
type Head struct {
	Reset    bool
	After    partition.Label
	Records  []partition.LogRecord
	Position partition.Position
}

// Cursor is a place in a generation: every key up to Key in Partition was seen.
type Cursor struct {
	Partition partition.ID
	Key       []byte
}

// Metrics of a Store, in bytes.
type Metrics struct {
	DiskBytes     uint64
	MemTableBytes uint64
	CacheBytes    int64
	CacheHits     int64
	CacheMisses   int64
}

// Store is one database.
type Store struct{}

// Open opens the store in o.Dir, made if it is not there.
func Open(o Options) (*Store, error) { return nil, errStub }

// Close ends the store.
func (s *Store) Close() error { return errStub }

// Copies lists the copies of a generation with their positions, ascending by partition.
func (s *Store) Copies(g Generation) ([]Copy, error) { return nil, errStub }

// Create makes an empty copy.
func (s *Store) Create(g Generation, p partition.ID) (Slot, error) { return 0, errStub }

// Meta reads node-wide metadata.
func (s *Store) Meta(key string) ([]byte, bool, error) { return nil, false, errStub }

// SetMeta writes node-wide metadata; a nil value deletes.
func (s *Store) SetMeta(m map[string][]byte) error { return errStub }

// MoveCopies re-homes copies of one generation in another, drops its others.
func (s *Store) MoveCopies(from, to Generation, moves map[partition.ID]partition.Origin, meta map[string][]byte) error {
	return errStub
}

// DropGeneration deletes all copies of a generation.
func (s *Store) DropGeneration(g Generation, meta map[string][]byte) error { return errStub }

// Get reads a key. The record's value is valid until closer (never nil) is closed.
func (s *Store) Get(slot Slot, key []byte) (r partition.Record, found bool, closer io.Closer, err error) {
	return r, false, nil, errStub
}

// Keys calls f with the records and tombstones of keys above after (nil: all), ascending.
func (s *Store) Keys(slot Slot, after []byte, f func(key []byte, r partition.Record) bool) error {
	return errStub
}

// Log calls f with the log records above after, ascending.
func (s *Store) Log(slot Slot, after partition.Seq, f func(partition.LogRecord) bool) error {
	return errStub
}

// Scan calls f with all records and tombstones of a generation after a place.
func (s *Store) Scan(g Generation, after Cursor, f func(at Cursor, origin partition.Origin, r partition.Record) bool) error {
	return errStub
}

// Free returns the free bytes of the disk; 0 where there is no limit to be known.
func (s *Store) Free() (uint64, error) { return 0, errStub }

// Metrics returns sizes.
func (s *Store) Metrics() Metrics { return Metrics{} }

// View is a consistent point-in-time view.
type View struct{}

// View opens a view; Close it.
func (s *Store) View() *View { return nil }

// Position returns where a copy stood.
func (v *View) Position(slot Slot) (partition.Position, error) {
	return partition.Position{}, errStub
}

// Get is Store.Get in the view.
func (v *View) Get(slot Slot, key []byte) (r partition.Record, found bool, closer io.Closer, err error) {
	return r, false, nil, errStub
}

// Keys is Store.Keys in the view.
func (v *View) Keys(slot Slot, after []byte, f func(key []byte, r partition.Record) bool) error {
	return errStub
}

// Log is Store.Log in the view.
func (v *View) Log(slot Slot, after partition.Seq, f func(partition.LogRecord) bool) error {
	return errStub
}

// Close ends the view.
func (v *View) Close() error { return errStub }

// Batch is one atomic change of the store.
type Batch struct{}

// NewBatch returns an empty batch.
func (s *Store) NewBatch() *Batch { return nil }

// Append adds an entry to data and log.
func (b *Batch) Append(s Slot, e *partition.Entry, commit partition.Seq) {}

// Begin takes in the head of a transfer.
func (b *Batch) Begin(s Slot, h *Head) {}

// Put takes in a transferred value; not Found: deletes the key.
func (b *Batch) Put(s Slot, k partition.KeyState) {}

// SetMark sets the copy's mark; nil: whole.
func (b *Batch) SetMark(s Slot, m *partition.Mark) {}

// Trim cuts log records up to and including upto.
func (b *Batch) Trim(s Slot, upto partition.Seq) {}

// Drop deletes the copy.
func (b *Batch) Drop(g Generation, p partition.ID, s Slot) {}

// Empty reports whether nothing was added.
func (b *Batch) Empty() bool { return true }

// Commit makes the batch's changes, all or none.
func (b *Batch) Commit() error { return errStub }

// Reset empties the batch for reuse.
func (b *Batch) Reset() {}
