package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"pipelinedht/partition"
)

// reader reads copies, from the present state (Store) or from that of a View.
type reader struct {
	from    pebble.Reader
	failure *failure
}

// nothing is the closer of what was not found.
type nothing struct{}

func (nothing) Close() error { return nil }

// Get reads the record of key, live or tombstone. The record's value is valid
// until closer is closed, which must happen in every case; closer is never nil.
// ErrCorrupt: the record is damaged.
func (r reader) Get(s Slot, key []byte) (rec partition.Record, found bool, closer io.Closer, err error) {
	if err := r.failure.err(); err != nil {
		return rec, false, nothing{}, err
	}
	buf := keyBuffers.Get().(*[]byte)
	*buf = appendDataKey((*buf)[:0], s, key)
	val, closer, err := r.from.Get(*buf)
	keyBuffers.Put(buf)
	if errors.Is(err, pebble.ErrNotFound) {
		return rec, false, nothing{}, nil
	}
	if err != nil {
		return rec, false, nothing{}, readError(s, key, err)
	}
	if rec, err = decodeData(val); err != nil {
		closer.Close()
		return partition.Record{}, false, nothing{}, readError(s, key, err)
	}
	return rec, true, closer, nil
}

// Keys calls f with the keys above after (all, if after is empty), ascending,
// and their records, live and tombstones, as they stood when Keys was called;
// until f returns false. Both are valid only during the call. ErrCorrupt: a
// record is damaged; the keys before it were seen.
func (r reader) Keys(s Slot, after []byte, f func(key []byte, rec partition.Record) bool) error {
	lower := appendDataKey(nil, s, after)
	if len(after) > 0 {
		lower = append(lower, 0) // the least key above after
	}
	return r.scan(lower, appendPrefix(nil, s, kindData+1), func(k, v []byte) (bool, error) {
		rec, err := decodeData(v)
		if err != nil {
			return false, readError(s, k[prefixLen:], err)
		}
		return f(k[prefixLen:], rec), nil
	})
}

// Log calls f with the log records above after, ascending, until f returns
// false. A record's key is valid only during the call.
func (r reader) Log(s Slot, after partition.Seq, f func(partition.LogRecord) bool) error {
	return r.logRecords(s, after, func(rec partition.LogRecord, _ partition.Seq) (bool, error) {
		return f(rec), nil
	})
}

// logRecords is Log with the commit sequence of each record.
func (r reader) logRecords(s Slot, after partition.Seq, f func(partition.LogRecord, partition.Seq) (bool, error)) error {
	lower, upper := appendLogKey(nil, s, after+1), appendPrefix(nil, s, kindLog+1)
	return r.scan(lower, upper, func(k, v []byte) (bool, error) {
		if len(k) != logKeyLen {
			return false, fmt.Errorf("slot %d: %w: log key of %d bytes", s, ErrCorrupt, len(k))
		}
		rec, commit, err := decodeLogRecord(partition.Seq(binary.BigEndian.Uint64(k[prefixLen:])), v)
		if err != nil {
			return false, fmt.Errorf("slot %d: %w", s, err)
		}
		return f(rec, commit)
	})
}

// position reads where a copy stands.
func (r reader) position(s Slot) (partition.Position, error) {
	var pos partition.Position
	known := false
	err := r.scan(appendPrefix(nil, s, kindBase), appendPrefix(nil, s, kindLog), func(k, v []byte) (more bool, err error) {
		if len(k) != prefixLen {
			return false, fmt.Errorf("slot %d: %w: key %x", s, ErrCorrupt, k)
		}
		if k[prefixLen-1] == kindBase {
			known = true
			pos, err = decodeBase(v)
		} else {
			pos.Mark, err = decodeMark(v)
		}
		return true, err
	})
	if err != nil {
		return pos, fmt.Errorf("slot %d: %w", s, err)
	}
	if !known {
		return pos, fmt.Errorf("slot %d: %w", s, ErrNoCopy)
	}
	err = r.logRecords(s, 0, func(rec partition.LogRecord, commit partition.Seq) (bool, error) {
		if err := extend(&pos, &rec, commit); err != nil {
			return false, fmt.Errorf("slot %d: %w: %w", s, ErrCorrupt, err)
		}
		return true, nil
	})
	return pos, err
}

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
	return fmt.Errorf("slot %d, key %q: %w", s, key, damage(err))
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
