package storage_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"pipelinedht/partition/storage"
)

// everySteps is how many changes the short history has whose operations on the file
// system are tried one by one.
const everySteps = 20

// shortHistory makes the same changes each time, and a Seal now and then.
func shortHistory(t *testing.T, s *storage.Store, p *past) error {
	rng := rand.New(rand.NewPCG(1, 2))
	w := newWorkload(t, s, 2<<10, rng.IntN)
	for range everySteps / 2 {
		if err := p.run(w, 2); err != nil {
			return err
		}
		if err := s.Seal(); err != nil {
			return err
		}
	}
	return nil
}

// The power may go before any operation: what was reported done is there, and
// nothing is there by half.
func TestACrashAtEveryOperationLosesNothing(t *testing.T) {
	mem := vfs.NewCrashableMem()
	if err := mem.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var p past
	p.plan("")
	var mu sync.Mutex
	var crashes []crash
	rng := rand.New(rand.NewPCG(3, 4))
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		for _, unsynced := range []int{0, 50} { // percent that reaches the disk all the same
			var c crash
			c.possible = p.during(func() { c.fs = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rng}) })
			crashes = append(crashes, c)
		}
		return nil
	}))
	s := openOnly(t, fs)
	if err := shortHistory(t, s, &p); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	t.Logf("%d operations", len(crashes)/2)
	for _, c := range crashes {
		recovered(t, c.fs, c.possible)
	}
}

// Any operation may fail, once or from then on, for want of space or by the disk's
// fault: then nothing more is reported done, and what was is there.
func TestAFailureOfEveryOperationIsNoSilentLoss(t *testing.T) {
	for _, kind := range []struct {
		err     error
		forEver bool
	}{{syscall.ENOSPC, true}, {syscall.EIO, false}} {
		outcomes := map[string]int{}
		for at := int64(1); ; at++ {
			reached, outcome := failAt(t, at, kind.err, kind.forEver)
			if !reached {
				break
			}
			outcomes[outcome]++
			if t.Failed() {
				t.Fatalf("with %v at operation %d", kind.err, at)
			}
		}
		t.Logf("%v: %v", kind.err, outcomes)
		if outcomes["refused"] == 0 || outcomes["not opened"] == 0 {
			t.Errorf("%v: %v, want some of all", kind.err, outcomes)
		}
	}
}

// failAt plays the short history with a failure at the given operation; reached:
// there is such an operation.
func failAt(t *testing.T, at int64, failure error, forEver bool) (reached bool, outcome string) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	if err := mem.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f := &faults{err: failure, fail: func(n int64, _ errorfs.Op) bool { return n == at || forEver && n > at }}
	var told atomic.Int32
	o := options(errorfs.Wrap(mem, f))
	o.Fatal = func(error) { told.Add(1) }
	var p past
	p.plan("")
	outcome = "nothing noticed"
	s, err := storage.Open(o)
	if err != nil {
		outcome = "not opened"
	} else {
		if err := shortHistory(t, s, &p); err != nil {
			outcome = "refused"
			if told.Load() != 1 {
				t.Errorf("fatal was told %d times", told.Load())
			}
			if _, err := s.Copies(1); err == nil {
				t.Error("the failed store still reads")
			}
		}
		s.Close() // its error was told
	}
	killed := p.during(func() {})
	recovered(t, mem.CrashClone(vfs.CrashCloneCfg{}), killed)
	return f.injured.Load(), outcome
}
