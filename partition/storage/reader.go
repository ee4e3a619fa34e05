package storage

import (
	"encoding/binary"
	"fmt"
	"io"

	"pipelinedht/partition"
)

// reader reads copies, from the present state (Store) or from that of a View.
type reader struct {
	from    source
	failure *failure
}

// value reads one key of any kind; the result is the caller's own.
func (r reader) value(key []byte) ([]byte, bool, error) {
	if err := r.failure.err(); err != nil {
		return nil, false, err
	}
	v, closer, found, err := r.from.get(key)
	if err != nil {
		return nil, false, readError(nodeSlot, key, err)
	}
	defer closer.Close()
	if !found {
		return nil, false, nil
	}
	return append([]byte{}, v...), true, nil
}

// scan calls f with the keys and values in [lower, upper), ascending.
func (r reader) scan(lower, upper []byte, f scanFunc) error {
	if err := r.failure.err(); err != nil {
		return err
	}
	return r.from.scan(lower, upper, f)
}

// Get reads the record of key, live or tombstone. The record's value is valid
// until closer is closed, which must happen in every case; closer is never nil.
// ErrCorrupt: the record is damaged.
func (r reader) Get(s Slot, key []byte) (rec partition.Record, found bool, closer io.Closer, err error) {
	val, closer, err := r.data(s, key)
	return record(s, key, val, closer, err)
}

// data reads the data record of a key; val is nil if there is none.
func (r reader) data(s Slot, key []byte) (val []byte, closer io.Closer, err error) {
	if err := r.failure.err(); err != nil {
		return nil, nothing{}, err
	}
	buf := keyBuffers.Get().(*[]byte)
	*buf = appendKey((*buf)[:0], s, kindData, key)
	val, closer, found, err := r.from.get(*buf)
	keyBuffers.Put(buf)
	if err != nil {
		return nil, nothing{}, readError(s, key, err)
	}
	if !found {
		return nil, closer, nil
	}
	return val, closer, nil
}

// record makes of what data returned what Get returns.
func record(s Slot, key, val []byte, closer io.Closer, err error) (partition.Record, bool, io.Closer, error) {
	if err != nil || val == nil {
		return partition.Record{}, false, nothing{}, err
	}
	rec, err := decodeData(val)
	if err != nil {
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
	return r.keys(s, kindData, after, func(key, v []byte) (bool, error) {
		rec, err := decodeData(v)
		if err != nil {
			return false, readError(s, key, err)
		}
		return f(key, rec), nil
	})
}

// Tombstones calls f with the keys above after (all, if after is empty) whose
// record is a tombstone, ascending, until f returns false. It does not read the
// others. A key is valid only during the call.
func (r reader) Tombstones(s Slot, after []byte, f func(key []byte) bool) error {
	return r.keys(s, kindTombstones, after, func(key, _ []byte) (bool, error) {
		rec, found, closer, err := r.Get(s, key)
		if err != nil {
			return false, err
		}
		more := !found || !rec.Tombstone || f(key)
		return more, closer.Close()
	})
}

// keys calls f with what kind has for the keys above after.
func (r reader) keys(s Slot, kind byte, after []byte, f func(key, v []byte) (more bool, err error)) error {
	lower := appendKey(nil, s, kind, after)
	if len(after) > 0 {
		lower = append(lower, 0) // the least key above after
	}
	return r.scan(lower, appendPrefix(nil, s, kind+1), func(k, v []byte) (bool, error) {
		return f(k[prefixLen:], v)
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
