package node

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// fuse ends a node at the n-th thing that it stores or sends: from then on its
// disk and its network fail, and the disk is what had been synced.
type fuse struct {
	address string // of the node
	net     *network

	mu    sync.Mutex
	left  int // 0: not armed
	disk  *vfs.MemFS
	blown chan struct{} // closed when the node has ended
}

var errBlown = errors.New("the fuse has blown")

func newFuse(c *cluster, name string) *fuse {
	f := &fuse{address: name + ":1", net: c.net, disk: vfs.NewCrashableMem(), blown: make(chan struct{})}
	c.net.sending = func(from string) error {
		if from != f.address {
			return nil
		}
		return f.step()
	}
	return f
}

// arm lets the node end at its n-th step from now; 0 disarms.
func (f *fuse) arm(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = n
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
			f.disk = f.disk.CrashClone(vfs.CrashCloneCfg{})
			close(f.blown)
			f.net.cut(func(from, to string) bool { return from == f.address || to == f.address })
		}
		return errBlown
	}
	f.left--
	return nil
}

// fs is the node's disk, until the fuse has blown.
func (f *fuse) fs() vfs.FS {
	return errorfs.Wrap(f.disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo, errorfs.OpRename, errorfs.OpCreate, errorfs.OpRemove:
			return f.step()
		}
		return nil
	}))
}

// crashAtEveryStep runs a scenario again and again, in which node a, which has a
// disk, ends at the first step of change, then at the second, and so on until
// change gets through; and calls after once a has started again and has nothing
// left to do.
func crashAtEveryStep(t *testing.T, before, change, after func(c *cluster)) {
	for step, through := 1, false; !through; step++ {
		dir := t.TempDir()
		inBubble(t, func(c *cluster) {
			c.partitions = 4
			f := newFuse(c, "a")
			disk := func(cfg *Config) { cfg.DataDir, cfg.FS = dir, f.fs() }
			c.start("a", disk)
			before(c)
			f.arm(step)
			done := make(chan struct{})
			go func() {
				defer close(done)
				change(c)
			}()
			select {
			case <-done:
				through = true
				f.arm(0)
			case <-f.blown:
				c.crash("a")
				<-done
				f.arm(0)
				c.start("a", disk)
			}
			c.eventually(5*time.Minute, "done with what the crash interrupted", func() error {
				if s := c.nodes["a"].stored(); s.Join != nil || s.Import != nil || s.Leave != nil {
					return errors.New("not yet")
				}
				return c.nodes["a"].Ready()
			})
			after(c)
		})
		if t.Failed() {
			t.Fatalf("with a crash at step %d", step)
		}
		if through {
			t.Logf("%d steps", step-1)
		}
	}
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
	crashAtEveryStep(t, before, func(c *cluster) { c.tryJoin("a", "b") }, func(c *cluster) {
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
	})
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
	crashAtEveryStep(t, before, func(c *cluster) { c.nodes["a"].Leave(c.t.Context()) }, func(c *cluster) {
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
	})
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
	crashAtEveryStep(t, before, func(c *cluster) {
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
	}, func(c *cluster) {
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
	})
}
