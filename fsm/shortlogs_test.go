package fsm

import (
	"cmp"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
)

var shortSeed = flag.Uint64("short-seed", 0, "of the test of short logs; 0: a new one each time")

// TestMapsStayTheSameWhereLogsAreShort has nodes that keep no entry behind a snapshot
// propose, be cut off alone or in pairs, take snapshots and start again.
func TestMapsStayTheSameWhereLogsAreShort(t *testing.T) {
	seed := cmp.Or(*shortSeed, rand.Uint64())
	t.Logf("-short-seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 600))
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 5, onDisk(t))
		var work sync.WaitGroup
		for id, r := range c.up {
			c.shorten(id)
			work.Go(func() { watchVersion(t, id, r) })
		}
		node := func() partition.NodeID { return partition.NodeID(1 + random.IntN(5)) }
		for i := range 400 {
			id := node()
			switch random.IntN(12) {
			case 0:
				c.net.split(id)
			case 1:
				c.net.split(id, node())
			case 2, 3:
				c.heal()
			case 4, 5:
				// Where there is nothing new, that is no fault.
				c.up[id].raft.Snapshot()
			case 6:
				c.stop(id)
				r := c.start(id, nil)
				c.shorten(id)
				work.Go(func() { watchVersion(t, id, r) })
				work.Go(func() { r.Up(c.ctx(time.Minute)) }) // it may be stopped before
			default:
				r := c.up[id]
				work.Go(func() { r.AbortJoin(c.ctx(2*time.Second), uint64(10_000+i)) }) // it may be cut off
			}
			time.Sleep(time.Duration(random.IntN(600)) * time.Millisecond)
		}
		c.heal()
		c.within(30*time.Second, "proposals go through", func() bool { return c.up[node()].AbortJoin(c.ctx(5*time.Second), 9_999) == nil })
		c.together()
		for id := range c.up {
			c.stop(id)
		}
		work.Wait()
	})
}

// shorten has a node keep no entry that a snapshot of its tells.
func (c *cluster) shorten(id partition.NodeID) {
	c.t.Helper()
	short := c.up[id].raft.ReloadableConfig()
	short.TrailingLogs = 0
	if err := c.up[id].raft.ReloadConfig(short); err != nil {
		c.t.Fatal(err)
	}
}

// heal has all nodes reach each other again.
func (c *cluster) heal() {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	clear(c.net.cut)
}

// watchVersion checks until a node is stopped that its map does not go back.
func watchVersion(t *testing.T, id partition.NodeID, r *Raft) {
	last := partition.Version(0)
	for {
		changed := r.Watch()
		if m := r.Map(); m != nil {
			if m.Version < last {
				t.Errorf("the map of node %v went from version %d back to %d", id, last, m.Version)
			}
			last = m.Version
		}
		select {
		case <-changed:
		case <-r.closing:
			return
		}
	}
}
