package node

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// disk is a node's, which keeps what was synced when the node is killed.
type disk struct {
	files  *vfs.MemFS
	failed atomic.Bool
	// storing, if set, is called before something is made to last.
	storing func()
}

var errKilled = errors.New("killed")

func (d *disk) fs() vfs.FS {
	return errorfs.Wrap(d.files, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo, errorfs.OpRename, errorfs.OpCreate, errorfs.OpRemove:
			if d.storing != nil {
				d.storing()
			}
		}
		if d.failed.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errKilled
		}
		return nil
	}))
}

// crew ends nodes with disks and starts them again.
type crew struct {
	c     *cluster
	names []string
	dir   string // of Raft's directories, which are on the disk of the machine

	mu    sync.Mutex
	disks map[string]*disk
	taken map[string]bool // by who is about to start them again
	// storing, if set, is called before a node makes something last.
	storing func(name string)
}

// startCrew starts nodes with empty disks.
func startCrew(c *cluster, dir string, names ...string) *crew {
	r := newCrew(c, dir, names...)
	for _, name := range names {
		r.open(name)
		c.awaitReady(c.node(name))
	}
	return r
}

func newCrew(c *cluster, dir string, names ...string) *crew {
	r := &crew{c: c, names: names, dir: dir, disks: make(map[string]*disk), taken: make(map[string]bool)}
	for _, name := range names {
		r.insert(name, vfs.NewCrashableMem())
	}
	return r
}

// insert gives a node a disk.
func (r *crew) insert(name string, files *vfs.MemFS) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := &disk{files: files}
	if storing := r.storing; storing != nil {
		d.storing = func() { storing(name) }
	}
	r.disks[name] = d
}

func (r *crew) disk(name string) *disk {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.disks[name]
}

func (r *crew) open(name string) {
	fs := r.disk(name).fs()
	r.c.open(name, func(cfg *Config) { cfg.DataDir, cfg.FS = filepath.Join(r.dir, name), fs })
}

// stop ends those of the nodes that run, at once, as SIGTERM does. start starts one
// again; it does nothing for one that did not run.
func (r *crew) stop(names []string) (start func(name string)) {
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
func (r *crew) killOrLose(random *rand.Rand) func(names []string) (start func(name string)) {
	if random.IntN(2) == 0 {
		return r.lose
	}
	return r.kill
}

// kill ends those of the nodes that run, at once, as kill -9 would: what they have
// sent arrives. start is stop's.
func (r *crew) kill(names []string) (start func(name string)) {
	return r.end(names, func(address string) func() {
		r.c.net.kill(address)
		return func() {}
	})
}

// lose is kill, as a power loss would do it.
func (r *crew) lose(names []string) (start func(name string)) { return r.end(names, r.c.net.lose) }

func (r *crew) end(names []string, silence func(address string) (back func())) (start func(name string)) {
	names = r.take(names)
	for _, name := range names {
		r.disk(name).failed.Store(true)
	}
	time.Sleep(time.Millisecond) // what had been let through is done
	back := make(map[string]func())
	for _, name := range names {
		back[name] = silence(name + ":1")
		r.insert(name, r.disk(name).files.CrashClone(vfs.CrashCloneCfg{}))
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
func (r *crew) take(names []string) []string {
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

func (r *crew) free(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.taken, name)
}
