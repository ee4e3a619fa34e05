package storage

import (
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

	// committing is held throughout a commit, its I/O included: after a failed
	// commit no other may enter Pebble, which panics at the second.
	committing sync.Mutex
	// wedged: Pebble panicked within a commit and may hold its locks for ever.
	// Guarded by committing.
	wedged bool

	// directory is held by what reads the directory and then writes to it, its
	// I/O included. It guards nextSlot and is taken before committing.
	directory sync.Mutex
	nextSlot  Slot
}

// commit carries out b. An error of Pebble's fails the store.
func (s *Store) commit(b *pebble.Batch, durable bool) (err error) {
	s.committing.Lock()
	defer s.committing.Unlock()
	if err := s.failure.err(); err != nil {
		return err
	}
	// Pebble panics where the write-ahead log cannot be written or rotated.
	defer func() {
		if cause := recover(); cause != nil {
			s.wedged = true
			s.failure.fail(fmt.Errorf("commit: %v", cause))
			err = s.failure.err()
		}
	}()
	option := pebble.NoSync
	if durable {
		option = pebble.Sync
	}
	if err := b.Commit(option); err != nil {
		s.failure.fail(fmt.Errorf("commit: %w", err))
	}
	// Pebble reports a failed fsync to its logger and returns nil.
	return s.failure.err()
}

// Close ends the store, whose views and batches must be out of use. What was
// committed is kept, also without Options.Sync. After a failure it returns
// ErrFailed; the lock on the directory may then stand until the process ends.
func (s *Store) Close() error {
	s.committing.Lock()
	defer s.committing.Unlock()
	failed := s.failure.err()
	if s.wedged {
		return failed
	}
	if failed == nil && !s.sync {
		if err := s.db.Flush(); err != nil {
			s.failure.fail(fmt.Errorf("flush: %w", err))
			failed = s.failure.err()
		}
	}
	err := s.db.Close()
	if failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("close store in %s: %w", s.dir, err)
	}
	return s.failure.err()
}
