package storage

import (
	"fmt"
	"io"

	"pipelinedht/partition"
)

// View is what one copy held at one moment. It costs the space of what is
// overwritten or deleted while it is open, so close it soon; it must be closed
// before its Store is.
type View struct {
	reader
	closer io.Closer
}

// View opens a view of a copy at the present moment. It shows no other slot.
func (s *Store) View(slot Slot) *View {
	src, closer := s.engine.view(slot)
	return &View{reader: reader{from: src, failure: s.failure}, closer: closer}
}

// Position returns where the copy stood. ErrNoCopy: it was not there.
func (v *View) Position(s Slot) (partition.Position, error) { return v.position(s) }

// Close ends the view. It must not be used any more.
func (v *View) Close() error {
	if err := v.closer.Close(); err != nil {
		return fmt.Errorf("close view: %w", err)
	}
	return nil
}
