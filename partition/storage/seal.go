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
	marker *atomicfs.Marker // nil: not opened yet
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

// renew writes the witness anew if more is durable than it says.
func (s *seal) renew(f *failure) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.progress.witness()
	if s.marker == nil || w == s.last || f.thrown() {
		return f.err()
	}
	err := s.marker.Move(w.String())
	if err == nil {
		err = s.marker.RemoveObsolete()
	}
	if err != nil {
		f.fail(fmt.Errorf("seal: %w", err))
	}
	s.last = w
	return f.err()
}

// Seal has the next Open notice if anything that is durable now is missing then,
// or damaged. It costs a few operations on the file system if something was made
// durable since the last Seal, so a caller does it in pauses, and now and then. In
// memory there is nothing to do.
func (s *Store) Seal() error { return s.engine.seal() }
