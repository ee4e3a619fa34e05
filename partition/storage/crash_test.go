package storage_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"pipelinedht/partition/storage"
)

var (
	seedFlag = flag.Uint64("seed", 0, "seed of the first random history of crash and fault tests; 0: a new one")
	runsFlag = flag.Int("histories", 8, "random histories in crash and fault tests")
)

// histories runs f with random numbers from consecutive seeds, and says which.
func histories(t *testing.T, f func(t *testing.T, rng *rand.Rand)) {
	first := *seedFlag
	if first == 0 {
		first = rand.Uint64() >> 1
	}
	for seed := first; seed < first+uint64(*runsFlag) && !t.Failed(); seed++ {
		f(t, rand.New(rand.NewPCG(seed, 0)))
		if t.Failed() {
			t.Logf("run again with -seed %d -histories 1", seed)
		}
	}
}

// past is what a store held, change by change.
type past struct {
	mu      sync.Mutex
	states  []string
	durable int // states before this one are superseded for good
}

// plan adds the state that a change leads to.
func (p *past) plan(state string) (index int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states = append(p.states, state)
	return len(p.states) - 1
}

// keep says that the state of that index is durable.
func (p *past) keep(index int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.durable = index
}

// during calls crash and returns the states that it may leave: one from the last
// that was durable before the call to the last that was planned after it.
func (p *past) during(crash func()) []string {
	p.mu.Lock()
	durable := p.durable
	p.mu.Unlock()
	crash()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.states[durable:])
}

// run makes changes until one fails or n are made, and keeps p current.
func (p *past) run(w *workload, n int) error {
	p.plan(w.model.draw())
	index, durable := 0, true
	w.planned = func(d bool) { index, durable = p.plan(w.model.draw()), d }
	for range n {
		if err := w.step(); err != nil {
			return err
		}
		if durable {
			p.keep(index)
		}
	}
	return nil
}

// crash is what the disk holds at one moment, and what that may mean.
type crash struct {
	fs       *vfs.MemFS
	possible []string
}

// Whenever the power goes, every change that was reported done is there, and the
// one under way is there whole or not at all.
func TestACrashLosesNothingThatWasCommitted(t *testing.T) {
	histories(t, func(t *testing.T, rng *rand.Rand) {
		const changes, every, atMost = 60, 40, 12
		mem := vfs.NewCrashableMem()
		if err := mem.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		var p past
		p.plan("") // before anything was written
		var mu sync.Mutex
		var crashes []crash
		hook := rand.New(rand.NewPCG(rng.Uint64(), 1))
		next := hook.IntN(every) // operations until the next crash
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			mu.Lock()
			defer mu.Unlock()
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || len(crashes) == atMost {
				return nil
			}
			if next--; next < 0 {
				next = hook.IntN(2 * every)
				var c crash
				c.possible = p.during(func() {
					c.fs = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: hook.IntN(101), RNG: hook})
				})
				crashes = append(crashes, c)
			}
			return nil
		}))
		s := openOnly(t, fs)
		w := newWorkload(t, s, 100<<10, rng.IntN)
		if err := p.run(w, changes); err != nil {
			t.Fatal(err)
		}
		closeStore(t, s)
		if len(crashes) == 0 {
			t.Fatal("no crash was tried")
		}
		for _, c := range crashes {
			recovered(t, c.fs, c.possible)
		}
	})
}

// recovered opens what a crash left, twice, and compares it with what is allowed.
func recovered(t *testing.T, fs vfs.FS, possible []string) {
	t.Helper()
	var first string
	for again := range 2 {
		s, err := storage.Open(options(fs))
		if errors.Is(err, storage.ErrUnfinished) && len(possible) == 1 {
			return // within the first Open
		}
		if err != nil {
			t.Fatal(err)
		}
		got := draw(t, s)
		closeStore(t, s)
		if again == 0 {
			first = got
		}
		if !slices.Contains(possible, got) || got != first {
			t.Fatalf("opened %d times after a crash, the store holds\n%s\nwant one of %d states; the first is\n%s",
				again+1, got, len(possible), possible[0])
		}
	}
}
