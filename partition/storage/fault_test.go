package storage_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// faults fails changes of a file system.
type faults struct {
	writes  atomic.Int64 // that came through
	fail    func(n int64, op errorfs.Op) bool
	err     error
	injured atomic.Bool // one has failed
}

func (f *faults) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	if n := f.writes.Add(1); f.fail != nil && f.fail(n, op) {
		f.injured.Store(true)
		return &fs.PathError{Op: "inject", Path: op.Path, Err: f.err}
	}
	return nil
}

func (f *faults) String() string { return "faults" }

// Whichever write or fsync fails, once or from then on: a change that was reported
// done is there when the disk works again, and the others are there whole or not
// at all. A store that reported an error does nothing any more.
func TestAFailedWriteIsNeverASilentLoss(t *testing.T) {
	outcomes := map[string]int{}
	histories(t, func(t *testing.T, rng *rand.Rand) {
		for range 8 {
			outcomes[faultyHistory(t, rng)]++
		}
	})
	t.Log(outcomes)
}

func faultyHistory(t *testing.T, rng *rand.Rand) (outcome string) {
	mem := vfs.NewCrashableMem()
	if err := mem.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	at, forEver := int64(1+rng.IntN(200)), rng.IntN(2) == 0
	f := &faults{err: syscall.EIO, fail: func(n int64, _ errorfs.Op) bool { return n == at || forEver && n > at }}
	if rng.IntN(2) == 0 {
		f.err = syscall.ENOSPC
	}
	var fatal []error
	o := options(errorfs.Wrap(mem, f))
	o.Fatal = func(err error) { fatal = append(fatal, err) }

	var p past
	p.plan("")
	outcome = "nothing noticed"
	s, err := storage.Open(o)
	if err != nil {
		outcome = "not opened"
		if !f.injured.Load() || len(fatal) > 0 {
			t.Fatalf("not opened: %v; fatal %v", err, fatal)
		}
	} else {
		if err := p.run(newWorkload(t, s, 100<<10, rng.IntN), 30); err != nil {
			outcome = "refused"
			refusesAll(t, s, err, fatal)
		}
		if err := s.Close(); (err != nil) != (len(fatal) > 0) || err != nil && !errors.Is(err, storage.ErrFailed) {
			t.Fatalf("close: %v; fatal %v", err, fatal)
		}
	}
	killed := p.during(func() {})
	recovered(t, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng}), killed)
	recovered(t, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(100), RNG: rng}), killed)
	return outcome
}

// refusesAll checks that a store is closed to use after err.
func refusesAll(t *testing.T, s *storage.Store, err error, fatal []error) {
	t.Helper()
	if len(fatal) != 1 || !errors.Is(fatal[0], storage.ErrFailed) {
		t.Fatalf("fatal was told %v", fatal)
	}
	v := s.View(1)
	defer v.Close()
	_, _, _, get := s.Get(1, []byte("a"))
	_, create := s.Create(0, 99)
	_, copies := s.Copies(0)
	_, _, meta := s.Meta("a")
	_, position := v.Position(1)
	all := []error{
		err, get, create, copies, meta, position,
		s.SetMeta(map[string][]byte{"a": nil}),
		s.NewBatch().Commit(),
		s.Keys(1, nil, func([]byte, partition.Record) bool { return true }),
		v.Log(1, 0, func(partition.LogRecord) bool { return true }),
	}
	if i := slices.IndexFunc(all, func(err error) bool { return !errors.Is(err, storage.ErrFailed) }); i >= 0 {
		t.Fatalf("call %d after a failure: %v, want %v", i, all[i], storage.ErrFailed)
	}
}

func TestAfterAFailureNothingIsWritten(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var broken atomic.Bool
	f := &faults{err: syscall.EIO, fail: func(_ int64, op errorfs.Op) bool {
		return op.Kind == errorfs.OpFileSyncData && strings.HasSuffix(op.Path, ".log") && broken.CompareAndSwap(true, false)
	}}
	s, err := storage.Open(options(errorfs.Wrap(mem, f)))
	if err != nil {
		t.Fatal(err)
	}
	slot := create(t, s, 1, 0)
	commit(t, s, func(b *storage.Batch) { b.Append(slot, put(1, 1, "safe", "v"), 0) })
	broken.Store(true)
	b := s.NewBatch()
	b.Append(slot, put(1, 2, "lost", "v"), 0)
	err = b.Commit()
	if !errors.Is(err, storage.ErrFailed) || !errors.Is(err, syscall.EIO) {
		t.Errorf("commit with a failed fsync: %v, want %v and why", err, storage.ErrFailed)
	}
	if broken.Load() {
		t.Fatal("no fsync was made to fail")
	}
	writes := f.writes.Load()
	refusesAll(t, s, err, []error{err})
	if err := s.Close(); !errors.Is(err, storage.ErrFailed) {
		t.Errorf("close: %v", err)
	}
	if now := f.writes.Load(); now != writes {
		t.Errorf("%d writes after the failure", now-writes)
	}
}
