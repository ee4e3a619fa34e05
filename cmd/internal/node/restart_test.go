package node

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
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
}

var errKilled = errors.New("killed")

func (d *disk) fs() vfs.FS {
	return errorfs.Wrap(d.files, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if d.failed.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errKilled
		}
		return nil
	}))
}

// restarts kills nodes with disks and starts them again.
type restarts struct {
	c     *cluster
	dir   string // of Raft's directories, which are on the disk of the machine
	disks map[string]*disk
}

func (r *restarts) open(name string) {
	cfg := func(cfg *Config) { cfg.DataDir, cfg.FS = filepath.Join(r.dir, name), r.disks[name].fs() }
	r.c.open(name, cfg)
}

// kill ends nodes at once, as a power loss would.
func (r *restarts) kill(names []string) {
	for _, name := range names {
		r.disks[name].failed.Store(true)
	}
	time.Sleep(time.Millisecond) // what had been let through is done
	for _, name := range names {
		r.disks[name] = &disk{files: r.disks[name].files.CrashClone(vfs.CrashCloneCfg{})}
		r.c.net.kill(name + ":1")
	}
	for _, name := range names {
		r.c.crash(name)
	}
}

func TestKilledNodesComeBackWithAllThatWasAcknowledged(t *testing.T) {
	s := seed(t)
	dir := t.TempDir()
	inBubble(t, func(c *cluster) {
		names := numbered("n", 4)
		r := &restarts{c: c, dir: dir, disks: make(map[string]*disk)}
		for _, name := range names {
			r.disks[name] = &disk{files: vfs.NewCrashableMem()}
			r.open(name)
			c.awaitReady(c.nodes[name])
		}
		for _, name := range names[1:] {
			c.join(name, "n1")
		}
		c.net.slow(3 * time.Millisecond)
		w := startWorkload(c, s, names...)
		random := rand.New(rand.NewPCG(s, 300))
		kills := 0
		for range 20 {
			time.Sleep(time.Duration(random.IntN(40)) * time.Second)
			var victims []string
			for _, i := range random.Perm(len(names))[:1+random.IntN(len(names))] {
				victims = append(victims, names[i])
			}
			kills += len(victims)
			r.kill(victims)
			for _, name := range victims {
				time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
				r.open(name)
			}
			for _, name := range victims {
				c.awaitReady(c.nodes[name])
			}
		}
		t.Logf("%d killed", kills)
		w.end()
		c.awaitOneMap(names)
	})
}
