package storage

import "pipelinedht/partition"

// Cursor is a place in a generation: everything in lower partitions, and up to
// and including Key in Partition, lies before it. The zero Cursor is the start.
type Cursor struct {
	Partition partition.ID
	Key       []byte
}

// Scan calls f with every record beyond after, live and tombstones, of all copies
// of a generation, by partition and then key, until f returns false. at is the
// record's place, to resume from; origin is its copy's. The key and the value
// are valid only during the call. Errors are those of Keys.
func (s *Store) Scan(g Generation, after Cursor, f func(at Cursor, origin partition.Origin, rec partition.Record) bool) error {
	return s.homes(g, after.Partition, func(p partition.ID, h home) (bool, error) {
		var key []byte
		if p == after.Partition {
			key = after.Key
		}
		more := true
		err := s.Keys(h.slot, key, func(key []byte, rec partition.Record) bool {
			more = f(Cursor{Partition: p, Key: key}, h.origin, rec)
			return more
		})
		return more, err
	})
}
