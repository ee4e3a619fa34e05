package node

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// fuse ends some nodes at the n-th thing that one of them stores or sends: from
// then on their disks and the network fail, and the disks are what had been synced.
type fuse struct {
	net *network

	mu    sync.Mutex
	left  int                   // 0: not armed
	disks map[string]*vfs.MemFS // keyed by the node's name
	blown chan struct{}         // closed when the nodes have ended
}

var errBlown = errors.New("the fuse has blown")

func newFuse(c *cluster, names ...string) *fuse {
	f := &fuse{net: c.net, disks: make(map[string]*vfs.MemFS), blown: make(chan struct{})}
	for _, name := range names {
		f.disks[name] = vfs.NewCrashableMem()
	}
	c.net.onSend(func(from string) error {
		if !slices.Contains(names, strings.TrimSuffix(from, ":1")) {
			return nil
		}
		return f.step()
	})
	return f
}

// arm lets the nodes end at their n-th step from now; 0 disarms.
func (f *fuse) arm(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = n
}

// hasBlown reports whether the nodes have ended.
func (f *fuse) hasBlown() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.blown:
		return true
	default:
		return false
	}
}

func (f *fuse) step() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.left {
	case 0:
		return nil
	case 1:
		select {
		case <-f.blown:
		default:
			for name, disk := range f.disks {
				f.disks[name] = disk.CrashClone(vfs.CrashCloneCfg{})
				f.net.kill(name + ":1")
			}
			close(f.blown)
		}
		return errBlown
	}
	f.left--
	return nil
}

// disk is a node's, until the fuse has blown.
func (f *fuse) disk(name string) vfs.FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errorfs.Wrap(f.disks[name], errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo, errorfs.OpRename, errorfs.OpCreate, errorfs.OpRemove:
			return f.step()
		}
		return nil
	}))
}

// scenario is what crashAtEveryStep repeats. The victims have disks and are
// started before all else.
type scenario struct {
	victims []string
	before  func(c *cluster)
	change  func(c *cluster) // during which the victims end
	after   func(c *cluster) // once they have started again and have nothing left to do
}

// run runs the scenario again and again: the victims end at the first step of
// change, then at the second, and so on until change gets through.
func (s scenario) run(t *testing.T) {
	for step, through := 1, false; !through; step++ {
		dir := t.TempDir()
		inBubble(t, func(c *cluster) { through = s.once(c, dir, step) })
		if t.Failed() {
			t.Fatalf("with a crash at step %d", step)
		}
		if through {
			t.Logf("%d steps", step-1)
		}
	}
}

// once runs the scenario with a crash at that step, and reports whether change got
// through before.
func (s scenario) once(c *cluster, dir string, step int) (through bool) {
	c.partitions = 4
	f := newFuse(c, s.victims...)
	start := func() {
		for _, name := range s.victims {
			c.open(name, func(cfg *Config) { cfg.DataDir, cfg.FS = filepath.Join(dir, name), f.disk(name) })
		}
		for _, name := range s.victims {
			c.awaitReady(c.node(name))
		}
	}
	start()
	s.before(c)
	f.arm(step)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.change(c)
	}()
	select {
	case <-done:
	case <-f.blown:
	}
	if through = !f.hasBlown(); through {
		f.arm(0)
	} else {
		for _, name := range s.victims {
			c.crash(name)
		}
		<-done
		f.arm(0)
		start()
	}
	for _, name := range s.victims {
		c.eventually(5*time.Minute, "done with what the crash interrupted", func() error {
			if s := c.nodes[name].stored(); s.Join != nil || s.Import != nil || s.Leave != nil {
				return errors.New("not yet")
			}
			return c.nodes[name].Ready()
		})
	}
	s.after(c)
	return through
}

func TestAJoinSurvivesACrashAtEveryStep(t *testing.T) {
	own, theirs := numbered("a", 4), numbered("b", 4)
	before := func(c *cluster) {
		c.start("b")
		for i := range own {
			c.put("a", own[i], "of a")
			c.put("b", theirs[i], "of b")
		}
		c.put("a", "both", "of a")
		time.Sleep(time.Second)
		c.put("b", "both", "of b")
	}
	change := func(c *cluster) { c.tryJoin("a", "b") }
	after := func(c *cluster) {
		if len(c.nodes["a"].Peers()) == 1 {
			c.expect("both", "of a", "a")
			for _, k := range own {
				c.expect(k, "of a", "a")
			}
			c.join("a", "b")
		}
		c.expect("both", "of b", "a", "b")
		for i := range own {
			c.expect(own[i], "of a", "a", "b")
			c.expect(theirs[i], "of b", "a", "b")
		}
	}
	scenario{[]string{"a"}, before, change, after}.run(t)
}

func TestAJoinSurvivesACrashOfBothSidesAtEveryStep(t *testing.T) {
	own, theirs := numbered("a", 4), numbered("b", 4)
	before := func(c *cluster) {
		for i := range own {
			c.put("a", own[i], "of a")
			c.put("b", theirs[i], "of b")
		}
	}
	change := func(c *cluster) { c.tryJoin("a", "b") }
	after := func(c *cluster) {
		if len(c.nodes["a"].Peers()) == 1 {
			c.peers("b")
			c.join("a", "b")
		}
		c.peers("a", "b")
		for i := range own {
			c.expect(own[i], "of a", "a", "b")
			c.expect(theirs[i], "of b", "a", "b")
		}
	}
	scenario{[]string{"a", "b"}, before, change, after}.run(t)
}

func TestALeaveSurvivesACrashAtEveryStep(t *testing.T) {
	all := numbered("k", 12)
	before := func(c *cluster) {
		c.start("b")
		c.join("a", "b")
		for _, k := range all {
			c.put("b", k, "v")
		}
	}
	change := func(c *cluster) { c.nodes["a"].Leave(c.t.Context()) }
	after := func(c *cluster) {
		if len(c.nodes["a"].Peers()) == 1 {
			c.peers("b")
			kept := c.keys("a")
			if len(kept) == 0 {
				c.t.Errorf("a keeps nothing")
			}
			for _, k := range kept {
				c.expect(k, "v", "a")
			}
			c.del("b", kept[0])
			c.join("a", "b")
			c.expect(kept[0], "-", "a", "b")
			c.put("b", kept[0], "v")
		}
		for _, k := range all {
			c.expect(k, "v", "a", "b")
		}
	}
	scenario{[]string{"a"}, before, change, after}.run(t)
}

func TestAJoinEndsWellWhenTheOtherSideCrashesAtAnyStep(t *testing.T) {
	own, theirs := numbered("b", 4), numbered("a", 4)
	before := func(c *cluster) {
		c.start("b")
		for i := range own {
			c.put("b", own[i], "of b")
			c.put("a", theirs[i], "of a")
		}
	}
	joined := make(chan struct{})
	change := func(c *cluster) {
		a := c.nodes["a"]
		joined = make(chan struct{})
		go func() {
			defer close(joined)
			c.tryJoin("b", "a")
		}()
		select {
		case <-joined:
		case <-a.Done(): // b goes on meanwhile
		}
	}
	after := func(c *cluster) {
		<-joined
		if len(c.nodes["b"].Peers()) == 1 {
			for _, k := range own {
				c.expect(k, "of b", "b")
			}
			c.join("b", "a")
		}
		c.peers("a", "b")
		for i := range own {
			c.expect(own[i], "of b", "a", "b")
			c.expect(theirs[i], "of a", "a", "b")
		}
	}
	scenario{[]string{"a"}, before, change, after}.run(t)
}
