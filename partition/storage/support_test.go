package storage_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

const dir = "data"

// open opens a store on fs and closes it at the end of the test.
func open(t testing.TB, fs vfs.FS) *storage.Store {
	t.Helper()
	s := openOnly(t, fs)
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// openOnly opens a store that the test closes.
func openOnly(t testing.TB, fs vfs.FS) *storage.Store {
	t.Helper()
	s, err := storage.Open(options(fs))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func options(fs vfs.FS) storage.Options {
	return storage.Options{Dir: dir, FS: fs, Logger: slog.New(slog.DiscardHandler)}
}

// inMemory are the options of a store without a directory.
func inMemory() storage.Options {
	return storage.Options{Logger: slog.New(slog.DiscardHandler)}
}

// everywhere runs a test with a store on disk and with one in memory.
func everywhere(t *testing.T, f func(t *testing.T, s *storage.Store)) {
	for name, o := range map[string]storage.Options{"on disk": options(vfs.NewMem()), "in memory": inMemory()} {
		t.Run(name, func(t *testing.T) {
			s, err := storage.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { closeStore(t, s) })
			f(t, s)
		})
	}
}

func closeStore(t testing.TB, s *storage.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func create(t testing.TB, s *storage.Store, g storage.Generation, p partition.ID) storage.Slot {
	t.Helper()
	slot, err := s.Create(g, p)
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

// commit fills a batch and commits it.
func commit(t testing.TB, s *storage.Store, fill func(b *storage.Batch)) {
	t.Helper()
	b := s.NewBatch()
	fill(b)
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
}

// put returns an entry that sets key to value.
func put(term partition.Term, seq partition.Seq, key, value string) *partition.Entry {
	return &partition.Entry{
		LogRecord: partition.LogRecord{
			Label: partition.Label{Term: term, Seq: seq},
			Kind:  partition.EntryPut,
			Stamp: partition.Stamp(1000 + seq),
			Key:   []byte(key),
		},
		Value: []byte(value),
	}
}

// remove returns an entry that deletes key, leaving a tombstone or nothing.
func remove(term partition.Term, seq partition.Seq, key string, tombstone bool) *partition.Entry {
	e := put(term, seq, key, "")
	e.Kind, e.Value, e.Existed = partition.EntryDelete, nil, true
	if tombstone {
		e.Kind = partition.EntryTombstone
	}
	return e
}

// getter is what a Store and a View have in common.
type getter interface {
	Keys(storage.Slot, []byte, func([]byte, partition.Record) bool) error
	Log(storage.Slot, partition.Seq, func(partition.LogRecord) bool) error
	Tombstones(storage.Slot, []byte, func([]byte) bool) error
}

// state prints a copy's data and log, one line each.
func state(t testing.TB, s getter, slot storage.Slot) string {
	t.Helper()
	var out strings.Builder
	err := s.Keys(slot, nil, func(key []byte, r partition.Record) bool {
		fmt.Fprintf(&out, "%q@%d", key, r.Stamp)
		if r.Tombstone {
			fmt.Fprintln(&out, " deleted")
		} else {
			fmt.Fprintf(&out, " = %q\n", r.Value)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Log(slot, 0, func(r partition.LogRecord) bool {
		fmt.Fprintf(&out, "%s %q\n", r.Label, r.Key)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// position returns where the copy stands, as the directory of g and a view of
// the store agree.
func position(t testing.TB, s *storage.Store, g storage.Generation, slot storage.Slot) partition.Position {
	t.Helper()
	v := s.View(slot)
	defer v.Close()
	read, err := v.Position(slot)
	if err != nil {
		t.Fatal(err)
	}
	copies, err := s.Copies(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range copies {
		if c.Slot == slot {
			if got, want := describe(c.Position), describe(read); got != want {
				t.Fatalf("position in the directory: %s\nposition as stored: %s", got, want)
			}
			return read
		}
	}
	t.Fatalf("slot %d is not in generation %d", slot, g)
	return read
}

// describe prints a position.
func describe(p partition.Position) string {
	s := fmt.Sprintf("log %d to %s terms %v stamp %d commit %d", p.LogStart, p.Last, p.Terms, p.Stamp, p.Commit)
	if p.Mark != nil {
		s += fmt.Sprintf(" mark fresh=%t common=%d extra=%q", p.Mark.Fresh, p.Mark.Common, p.Mark.Extra)
	}
	return s
}

// dump prints what a closed store's database holds, key and value in hex.
func dump(t testing.TB, fs vfs.FS) string {
	t.Helper()
	var out strings.Builder
	raw(t, fs, func(db *pebble.DB) {
		it, err := db.NewIter(nil)
		if err != nil {
			t.Fatal(err)
		}
		for ok := it.First(); ok; ok = it.Next() {
			fmt.Fprintf(&out, "%s -> %s\n", hex.EncodeToString(it.Key()), hex.EncodeToString(it.Value()))
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
	})
	return out.String()
}

// raw opens a closed store's database as plain Pebble.
func raw(t testing.TB, fs vfs.FS, f func(db *pebble.DB)) {
	t.Helper()
	db, err := pebble.Open(dir, &pebble.Options{FS: fs, Logger: discard{}, FormatMajorVersion: pebble.FormatNewest})
	if err != nil {
		t.Fatal(err)
	}
	f(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// overwrite changes the value of the one key that ends in suffix.
func overwrite(t testing.TB, fs vfs.FS, suffix []byte, change func(v []byte) []byte) {
	t.Helper()
	raw(t, fs, func(db *pebble.DB) {
		it, err := db.NewIter(nil)
		if err != nil {
			t.Fatal(err)
		}
		var key, value []byte
		for ok := it.First(); ok; ok = it.Next() {
			if bytes.HasSuffix(it.Key(), suffix) {
				key, value = bytes.Clone(it.Key()), bytes.Clone(it.Value())
			}
		}
		if err := it.Close(); err != nil || key == nil {
			t.Fatalf("key ending in %q: found %x, %v", suffix, key, err)
		}
		if err := db.Set(key, change(value), pebble.Sync); err != nil {
			t.Fatal(err)
		}
	})
}

type discard struct{}

func (discard) Infof(string, ...any)  {}
func (discard) Errorf(string, ...any) {}
func (discard) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}
