package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// How a reader asks Pebble, for one key or a range of them, and what it makes of
// Pebble's errors.

// value reads one key of any kind; the result is the caller's own.
func (r reader) value(key []byte) ([]byte, bool, error) {
	if err := r.failure.err(); err != nil {
		return nil, false, err
	}
	v, closer, err := r.from.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, readError(nodeSlot, key, err)
	}
	defer closer.Close()
	return append([]byte{}, v...), true, nil
}

// scan calls f with the keys and values in [lower, upper), ascending.
func (r reader) scan(lower, upper []byte, f func(k, v []byte) (more bool, err error)) (err error) {
	if err := r.failure.err(); err != nil {
		return err
	}
	it, err := r.from.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return readError(slotOf(lower), lower, err)
	}
	defer func() {
		if closing := it.Close(); err == nil && closing != nil {
			err = readError(slotOf(lower), lower, closing)
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return readError(slotOf(lower), it.Key(), err)
		}
		if more, err := f(it.Key(), v); !more || err != nil {
			return err
		}
	}
	return nil
}

func slotOf(key []byte) Slot { return Slot(binary.BigEndian.Uint64(key)) }

// readError says where reading failed.
func readError(s Slot, key []byte, err error) error {
	err = fmt.Errorf("slot %d, key %q: %w", s, key, damage(err))
	if s == nodeSlot {
		return advise(err) // without its directory no copy is found
	}
	return err
}

// damage makes ErrCorrupt of what Pebble finds damaged, naming the file if known.
func damage(err error) error {
	if !pebble.IsCorruptionError(err) {
		return err
	}
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, info.Path, info.Details)
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}
