package node

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// disk is a node's, which keeps what was synced when the node is killed.
type disk struct {
	files  *vfs.MemFS
	failed atomic.Bool
	slow   atomic.Int64 // the longest that a sync of the store's log takes; time.Duration
}

var errKilled = errors.New("killed")

func (d *disk) fs() vfs.FS {
	return errorfs.Wrap(d.files, errorfs.InjectorFunc(func(op errorfs.Op) error {
		sync := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData
		if longest := d.slow.Load(); longest > 0 && sync && strings.HasSuffix(op.Path, ".log") {
			time.Sleep(time.Duration(rand.Int64N(longest)))
		}
		if d.failed.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errKilled
		}
		return nil
	}))
}

// restarts ends nodes with disks and starts them again.
type restarts struct {
	c     *cluster
	names []string
	dir   string // of Raft's directories, which are on the disk of the machine

	mu    sync.Mutex
	disks map[string]*disk
	taken map[string]bool // by who is about to start them again
}

// startRestarts starts nodes with empty disks.
func startRestarts(c *cluster, dir string, names ...string) *restarts {
	r := &restarts{c: c, names: names, dir: dir, disks: make(map[string]*disk), taken: make(map[string]bool)}
	for _, name := range names {
		r.disks[name] = &disk{files: vfs.NewCrashableMem()}
		r.open(name)
		c.awaitReady(c.node(name))
	}
	return r
}

func (r *restarts) disk(name string) *disk {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.disks[name]
}

func (r *restarts) open(name string) {
	fs := r.disk(name).fs()
	r.c.open(name, func(cfg *Config) { cfg.DataDir, cfg.FS = filepath.Join(r.dir, name), fs })
}

// slow has a node's disk take up to longest for a sync, until healed.
func (r *restarts) slow(name string, longest time.Duration) (heal func()) {
	d := r.disk(name)
	d.slow.Store(int64(longest))
	return func() { d.slow.Store(0) }
}

// stop ends those of the nodes that run, at once, as SIGTERM does. start starts one
// again; it does nothing for one that did not run.
func (r *restarts) stop(names []string) (start func(name string)) {
	names = r.take(names)
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Go(func() {
			ctx, cancel := timeout(stopTimeout)
			defer cancel()
			n := r.c.node(name)
			if err := n.Close(ctx); err != nil && ctx.Err() == nil {
				r.c.t.Errorf("stop %s: %v", name, err)
			}
			r.c.take(name)
		})
	}
	wg.Wait()
	return func(name string) {
		if slices.Contains(names, name) {
			r.open(name)
			r.free(name)
		}
	}
}

// stopTimeout is how long a node that is stopped may take to hand its roles over.
const stopTimeout = 30 * time.Second

// killOrLose returns one of these two.
func (r *restarts) killOrLose(random *rand.Rand) func(names []string) (start func(name string)) {
	if random.IntN(2) == 0 {
		return r.lose
	}
	return r.kill
}

// kill ends those of the nodes that run, at once, as kill -9 would: what they have
// sent arrives. start is stop's.
func (r *restarts) kill(names []string) (start func(name string)) {
	return r.end(names, func(address string) func() {
		r.c.net.kill(address)
		return func() {}
	})
}

// lose is kill, as a power loss would do it.
func (r *restarts) lose(names []string) (start func(name string)) { return r.end(names, r.c.net.lose) }

func (r *restarts) end(names []string, silence func(address string) (back func())) (start func(name string)) {
	names = r.take(names)
	for _, name := range names {
		r.disk(name).failed.Store(true)
	}
	time.Sleep(time.Millisecond) // what had been let through is done
	back := make(map[string]func())
	for _, name := range names {
		back[name] = silence(name + ":1")
		r.mu.Lock()
		r.disks[name] = &disk{files: r.disks[name].files.CrashClone(vfs.CrashCloneCfg{})}
		r.mu.Unlock()
	}
	for _, name := range names {
		r.c.crash(name)
	}
	return func(name string) {
		if back[name] != nil {
			back[name]()
			r.open(name)
			r.free(name)
		}
	}
}

// take returns those of the nodes that nobody else is about to start again.
func (r *restarts) take(names []string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var taken []string
	for _, name := range names {
		if !r.taken[name] {
			r.taken[name] = true
			taken = append(taken, name)
		}
	}
	return taken
}

func (r *restarts) free(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.taken, name)
}

func TestARollingRestartFailsNoRequest(t *testing.T) {
	s := seed(t)
	dir := t.TempDir()
	inBubble(t, func(c *cluster) {
		c.skew = 0.05
		names := numbered("n", 5)
		r := startRestarts(c, dir, names...)
		for _, name := range names[1:] {
			c.join(name, "n1")
		}
		c.net.slow(3 * time.Millisecond)
		w := startWorkload(c, s, workPause, names...)
		random := rand.New(rand.NewPCG(s, 400))
		for range 3 {
			for _, i := range random.Perm(len(names)) {
				time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
				name := names[i]
				w.use(slices.DeleteFunc(slices.Clone(names), func(other string) bool { return other == name }))
				start := r.stop([]string{name})
				time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
				start(name)
				c.awaitReady(c.node(name))
				w.use(names)
			}
		}
		w.end()
		for _, err := range w.failed {
			t.Errorf("failed: %v", err)
		}
		c.awaitOneMap(names)
		w.expectOnce(names...)
	})
}

func TestKilledNodesComeBackWithAllThatWasAcknowledged(t *testing.T) {
	s := seed(t)
	dir := t.TempDir()
	inBubble(t, func(c *cluster) {
		names := numbered("n", 4)
		r := startRestarts(c, dir, names...)
		for _, name := range names[1:] {
			c.join(name, "n1")
		}
		c.net.slow(3 * time.Millisecond)
		w := startWorkload(c, s, workPause, names...)
		random := rand.New(rand.NewPCG(s, 300))
		kills := 0
		for range 20 {
			time.Sleep(time.Duration(random.IntN(40)) * time.Second)
			var victims []string
			for _, i := range random.Perm(len(names))[:1+random.IntN(len(names))] {
				victims = append(victims, names[i])
			}
			kills += len(victims)
			start := r.killOrLose(random)(victims)
			for _, name := range victims {
				time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
				start(name)
			}
			for _, name := range victims {
				c.awaitReady(c.node(name))
			}
		}
		t.Logf("%d killed", kills)
		w.end()
		c.awaitOneMap(names)
		w.expectOnce(names...)
	})
}
