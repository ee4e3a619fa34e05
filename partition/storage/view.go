package storage

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"pipelinedht/partition"
)

// View is what the store held at one moment. It costs the space of what is
// overwritten or deleted while it is open, so close it soon; it must be closed
// before its Store is.
type View struct {
	reader
	snapshot *pebble.Snapshot
}

// View opens a view of the present moment, of all copies at once.
func (s *Store) View() *View {
	snap := s.db.NewSnapshot()
	return &View{reader: reader{from: snap, failure: s.failure}, snapshot: snap}
}

// Position returns where the copy stood. ErrNoCopy: it was not there.
func (v *View) Position(s Slot) (partition.Position, error) { return v.position(s) }

// Close ends the view. It must not be used any more.
func (v *View) Close() error {
	if err := v.snapshot.Close(); err != nil {
		return fmt.Errorf("close view: %w", err)
	}
	return nil
}
