package host_test

import (
	"flag"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
)

var (
	chaosSeed    = flag.Uint64("seed", 0, "seed of the simulated faults; 0: from the clock")
	chaosMinutes = flag.Int("minutes", 1, "simulated minutes of faults")
)

// chaos does one thing after the other to a cluster of five under load. At most
// one node is dead or cut off at a time, and one message in fifty is lost, so
// everything must go on.
type chaos struct {
	*world
	rand   *rand.Rand
	disks  map[id]*vfs.MemFS // of dead nodes
	starts map[id]partition.Incarnation
	cutOff id
}

func TestEveryHistoryUnderFaultsIsLinearizable(t *testing.T) {
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with -seed %d -minutes %d", seed, *chaosMinutes)
	synctest.Test(t, func(t *testing.T) {
		all := []id{1, 2, 3, 4, 5}
		c := &chaos{
			world: newWorld(t, 16, 3, all...),
			rand:  rand.New(rand.NewPCG(seed, 0)),
			disks: make(map[id]*vfs.MemFS), starts: make(map[id]partition.Incarnation),
		}
		defer c.close()
		c.net.mu.Lock()
		c.net.rand, c.net.loss = rand.New(rand.NewPCG(seed, 1)), 20
		c.net.mu.Unlock()
		c.council.retarget(c.plan())
		l := c.startLoad(seed)
		for end := time.Now().Add(time.Duration(*chaosMinutes) * time.Minute); time.Now().Before(end); {
			time.Sleep(time.Duration(c.rand.IntN(3000)) * time.Millisecond)
			c.act()
		}
		c.mend()
		c.net.mu.Lock()
		c.net.loss = 0
		c.net.mu.Unlock()
		c.settle(time.Minute)
		time.Sleep(12 * time.Second) // calls of before end
		l.finish()
		for p := range c.council.latest().Table {
			c.equalCopies(partition.ID(p))
		}
	})
}

// act does one thing.
func (c *chaos) act() {
	victim := id(1 + c.rand.IntN(5))
	switch n := c.rand.IntN(6); {
	case n == 0:
		c.council.retarget(c.plan())
	case len(c.disks) > 0 || c.cutOff != 0:
		c.mend()
	case n <= 2:
		c.disks[victim] = c.kill(victim)
	case n <= 4:
		c.cutOff = victim
		c.net.cut(victim, true)
		c.node(victim).seat.mute(c.rand.IntN(2) == 0)
	default:
		c.net.detach(victim) // all its connections break
		c.net.attach(victim, c.node(victim).Host)
	}
}

// plan returns targets of three of the five nodes for each partition.
func (c *chaos) plan() func(p int) []id {
	turn := c.rand.IntN(5)
	return func(p int) []id { return spread(1, 2, 3, 4, 5)(p + turn)[:3] }
}

// mend brings back who is dead or cut off.
func (c *chaos) mend() {
	for victim, disk := range c.disks {
		c.starts[victim]++
		c.start(victim, disk, c.starts[victim]+1)
	}
	clear(c.disks)
	if c.cutOff != 0 {
		c.net.cut(c.cutOff, false)
		c.node(c.cutOff).seat.mute(false)
		c.cutOff = 0
	}
}

// equalCopies checks that a partition's in-sync copies are the same.
func (c *chaos) equalCopies(p partition.ID) {
	c.t.Helper()
	c.equalIn(p, c.council.latest().Table[p].InSync...)
}
