package storage

import (
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// source answers reads, from the present state or from one that was.
type source interface {
	// get returns the value of a key. It is valid until closer is closed, which is
	// never nil.
	get(key []byte) (val []byte, closer io.Closer, found bool, err error)
	// scan calls f with the keys in [lower, upper), ascending, and their values, as
	// they stood when it was called, until f returns false. All keys are of one
	// slot. Both slices are valid only during the call.
	scan(lower, upper []byte, f func(k, v []byte) (more bool, err error)) error
}

// engine keeps keys and values: on disk, or in memory. Its batches are Pebble's,
// which are no more than changes one after another in a buffer.
type engine interface {
	source
	newBatch() *pebble.Batch
	// empty has a batch of newBatch used again, with its buffer if that is not too
	// large.
	empty(b *pebble.Batch)
	// apply makes the changes of a batch, all or none of them seen by others in each
	// slot; durable: they are on disk then. After an error it is not known what was
	// done.
	apply(b *pebble.Batch, durable bool) error
	// view returns what a slot holds now, until it is closed.
	view(s Slot) (source, io.Closer)
	// seal is Store.Seal.
	seal() error
	metrics() Metrics
	// space is Store.Space.
	space() (free, total uint64, err error)
	// close ends the use of everything; what was applied is kept on disk, durable or
	// not.
	close() error
}

// scanFunc is what scan calls.
type scanFunc = func(k, v []byte) (more bool, err error)

// nothing is the closer of what needs none.
type nothing struct{}

func (nothing) Close() error { return nil }
