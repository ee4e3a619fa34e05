package node

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// hanging returns files that nothing is synced of from the moment hangs is set, until
// freed is closed.
func hanging(files vfs.FS, hangs *atomic.Bool, freed <-chan struct{}) vfs.FS {
	return errorfs.Wrap(files, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			if hangs.Load() {
				<-freed
			}
		}
		return nil
	}))
}

// The disk of one of three nodes takes nothing more, and does not say so: the node
// ends by itself, and no request through the others fails meanwhile.
func TestANodeWhoseDiskHangsEndsItselfAndTheOthersServe(t *testing.T) {
	inBubble(t, func(c *cluster) {
		var hangs atomic.Bool
		freed := make(chan struct{})
		free := sync.OnceFunc(func() { close(freed) })
		defer free()
		c.start("a", c.diskOf(vfs.NewMem()), func(cfg *Config) { cfg.FS = hanging(cfg.FS, &hangs, freed) })
		for _, name := range []string{"b", "c"} {
			c.start(name, c.diskOf(vfs.NewMem()))
			c.join(name, "a")
		}
		names := []string{"a", "b", "c"}
		c.awaitOneMap(names)
		time.Sleep(longRunning)

		hangs.Store(true)
		for _, o := range c.askEach("b", "c") {
			if o.err != nil {
				t.Errorf("through another node: %v", o.err)
			}
		}
		select {
		case <-c.node("a").Done():
		case <-time.After(time.Minute):
			t.Fatal("the node lives on")
		}
		for _, o := range c.askEach("b", "c") {
			if o.err != nil {
				t.Errorf("through another node, when it has ended: %v", o.err)
			}
		}
		for _, o := range c.askEach("a") {
			if o.err == nil {
				t.Errorf("the node that has ended answers: %q", o.value)
			}
		}
		if c.node("a").Wait() == nil {
			t.Error("the node that has ended does not say why")
		}
		free()
		c.crash("a")
	})
}
