package storage

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Store is an open database.
type Store struct {
	reader
	db    *pebble.DB
	dir   string
	fs    vfs.FS
	sync  bool
	tails tails
	seal  seal
	cache *recordCache // nil: none

	// directory is held by what reads the directory and then writes to it, its
	// I/O included. It guards nextSlot.
	directory sync.Mutex
	nextSlot  Slot
}

// commit carries out b.
func (s *Store) commit(b *pebble.Batch, durable bool) error {
	if err := s.failure.err(); err != nil {
		return err
	}
	option := pebble.NoSync
	if durable {
		option = pebble.Sync
	}
	if err := b.Commit(option); err != nil {
		s.failure.fail(fmt.Errorf("commit: %w", err))
	}
	// Pebble does not know of failed writes, see fence.
	return s.failure.err()
}

// Close ends the store, whose views and batches must be out of use. What was
// committed is kept, also without Options.Sync. After a failure it returns
// ErrFailed.
func (s *Store) Close() error {
	flushing := s.Seal()
	if !s.sync && !s.failure.thrown() {
		flushing = s.db.Flush()
	}
	closing := errors.Join(s.seal.close(), s.db.Close())
	if err := s.failure.err(); err != nil {
		return err
	}
	if flushing != nil {
		closing = flushing
	}
	if closing != nil {
		return fmt.Errorf("close store in %s: %w", s.dir, closing)
	}
	return nil
}
