package partition

import "io"

// Info says who answered an operation on a key, and by which map.
type Info struct {
	Partition ID
	// ServedBy is the name of the peer that answered as primary; empty if none did.
	ServedBy string
	// Version is the ring version that the operation went by; 0 if not known.
	Version Version
	// Commit: a commit sequence of the partition, for the floors of later operations.
	Commit Seq
}

// Result is what a read of one key found. Whoever gets one must Close it once it
// has done with Record.Value, which may point into the store until then.
type Result struct {
	Info
	// Found is false where the key has no value; Record is zero then.
	Found  bool
	Record Record
	// Source holds Record.Value in place; nil if nothing does.
	Source io.Closer
}

// Close gives the value back. It may be called on the zero Result, and twice.
func (r *Result) Close() error {
	source := r.Source
	r.Record.Value, r.Source = nil, nil
	if source == nil {
		return nil
	}
	return source.Close()
}
