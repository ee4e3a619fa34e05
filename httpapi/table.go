package httpapi

import (
	"context"

	"pipelinedht/partition"
)

// Table is the hash table behind /db: any key, from this node. Its errors are
// those of package partition, wrapped with detail that a user understands; it
// bounds its waiting itself, besides ctx.
//
// The Info that it returns is filled as far as known with errors too.
type Table interface {
	// Get reads one key. The caller closes the Result, with an error too.
	//
	// Any error means that nothing was read.
	Get(ctx context.Context, key []byte) (partition.Result, error)

	// Write carries out one operation; its ID, Attempt and Floor are unset. Key
	// and Value are the table's from then on.
	//
	// Errors that are partition.ErrUnavailable, ErrNotPrimary or ErrFloor say
	// that nothing took effect; after any other, ErrUnknown or not, the
	// operation may have.
	Write(ctx context.Context, op partition.Op) (partition.Outcome, partition.Info, error)

	// Keys calls f with each key that has a value in a partition that this node
	// is primary for, none twice, until f returns false. The key is valid during
	// the call only; f may block on the network.
	Keys(ctx context.Context, f func(key []byte) bool) error
}
