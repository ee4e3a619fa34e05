package node

import (
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fuse ends some nodes at the n-th thing that one of them stores or sends, as
// kill -9 would: their disks are what had been synced, and what they have sent
// arrives.
type fuse struct {
	crew *crew

	mu      sync.Mutex
	victims []string
	at      int           // the step to end at; 0: none
	steps   int           // so far; not counted before watch
	blown   chan struct{} // closed when the nodes are dead
}

// newFuse returns a fuse for nodes of the crew, which have not been opened yet.
func newFuse(r *crew) *fuse {
	f := &fuse{crew: r, blown: make(chan struct{})}
	r.storing = func(name string) { f.step(name) }
	for _, name := range r.names {
		r.insert(name, vfs.NewCrashableMem())
	}
	r.c.net.onSend(func(from string) {
		f.step(strings.TrimSuffix(from, ":1"))
	})
	return f
}

// watch counts the steps of the victims from now on, and ends them all at one of
// them; never with 0.
func (f *fuse) watch(victims []string, at int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.victims, f.at, f.steps = victims, at, 0
}

// disarm ends the watching and returns the number of steps, and whether the nodes
// are dead.
func (f *fuse) disarm() (steps int, blown bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	blown = f.at > 0 && f.steps >= f.at
	f.at = 0
	return f.steps, blown
}

// step is called before a node stores or sends something: a node that is dead
// already does neither.
func (f *fuse) step(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.victims, name) {
		return
	}
	if f.steps++; f.steps != f.at {
		return
	}
	for _, victim := range f.victims {
		d := f.crew.disk(victim)
		d.failed.Store(true)
		f.crew.insert(victim, d.files.CrashClone(vfs.CrashCloneCfg{}))
		f.crew.c.net.kill(victim + ":1")
	}
	close(f.blown)
}
