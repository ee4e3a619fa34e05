package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// pebbleSource reads a database, or a snapshot of it.
type pebbleSource struct{ from pebble.Reader }

func (p pebbleSource) get(key []byte) (val []byte, closer io.Closer, found bool, err error) {
	val, closer, err = p.from.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nothing{}, false, nil
	}
	if err != nil {
		return nil, nothing{}, false, err
	}
	return val, closer, true, nil
}

func (p pebbleSource) scan(lower, upper []byte, f scanFunc) (err error) {
	it, err := p.from.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
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
