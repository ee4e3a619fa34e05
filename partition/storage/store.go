package storage

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Store is an open database.
type Store struct {
	reader
	engine engine
	where  string // for errors
	tails  tails
	cache  *recordCache // nil: none

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
	if err := s.engine.apply(b, durable); err != nil {
		s.failure.fail(fmt.Errorf("commit: %w", err))
	}
	// Pebble does not know of failed writes, see fence.
	return s.failure.err()
}

// Close ends the store, whose views and batches must be out of use. What was
// committed is kept if there is a directory. After a failure it returns ErrFailed.
func (s *Store) Close() error {
	closing := s.engine.close()
	if err := s.failure.err(); err != nil {
		return err
	}
	if closing != nil {
		return fmt.Errorf("close store in %s: %w", s.where, closing)
	}
	return nil
}
