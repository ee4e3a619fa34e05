package storage

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// seal keeps the witness.
type seal struct {
	progress *progress

	mu     sync.Mutex       // guards the following, over the I/O of moving the marker
	marker *atomicfs.Marker // nil: nothing is made durable
	last   witness
}

// close ends the use of the marker.
func (s *seal) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.marker == nil {
		return nil
	}
	return s.marker.Close()
}

// Seal has the next Open notice if anything that is durable now is missing then,
// or damaged. It costs a few operations on the file system if something was made
// durable since the last Seal, so a caller does it in pauses, and now and then.
func (s *Store) Seal() error {
	s.seal.mu.Lock()
	defer s.seal.mu.Unlock()
	w := s.seal.progress.witness()
	if s.seal.marker == nil || w == s.seal.last || s.failure.thrown() {
		return s.failure.err()
	}
	err := s.seal.marker.Move(w.String())
	if err == nil {
		err = s.seal.marker.RemoveObsolete()
	}
	if err != nil {
		s.failure.fail(fmt.Errorf("seal: %w", err))
	}
	s.seal.last = w
	return s.failure.err()
}
