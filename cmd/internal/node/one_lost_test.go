package node

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"pipelinedht/partition"
)

// One of three nodes falls silent, while its connections hang open: the others serve
// all that it led within seconds, and no request through them fails. It itself refuses
// everything, and answers again when it is back.
func TestOneNodeIsCutOff(t *testing.T) {
	for _, tt := range []struct {
		name   string
		leader bool // Raft's
		most   time.Duration
	}{
		// The promise to it is 1.6 s.
		{"that follows", false, 2 * time.Second},
		// An election takes 1.8 s, and up to 1.6 s more each time that the others
		// stand for it at one moment: seldom once, and here no more than twice in a row.
		{"that leads Raft", true, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(c *cluster) {
				names := numbered("n", 3)
				c.startAll(names...)
				for _, name := range names[1:] {
					c.join(name, names[0])
				}
				c.net.slow(twoLostLatency)
				var times []time.Duration
				for range 5 {
					c.awaitOneMap(names)
					c.awaitVoters(names)
					c.awaitLeader("")
					time.Sleep(longRunning)
					victim := slices.Index(names, c.leader(""))
					if !tt.leader {
						victim = (victim + 1) % len(names)
					}
					times = append(times, c.cutOne(names[victim], slices.Delete(slices.Clone(names), victim, victim+1)))
				}
				check(t, "served", times, 2*time.Second)
				if longest := slices.Max(times); longest > tt.most {
					t.Errorf("served after %v, want within %v", longest, tt.most)
				}
			})
		})
	}
}

// cutOne has one node fall silent to the rest, and expects each side to answer as it
// must. It returns how long it took until the rest had answered everything.
func (c *cluster) cutOne(victim string, rest []string) (served time.Duration) {
	c.t.Helper()
	var heals []func()
	for _, other := range rest {
		heals = append(heals, c.net.stall(victim+":1", other+":1"))
	}
	began := time.Now()
	for _, o := range c.askEach(rest...) {
		if o.err != nil {
			c.t.Errorf("without %s, through another node: %v", victim, o.err)
		}
	}
	served = time.Since(began)
	for _, o := range c.askEach(victim) {
		if !errors.Is(o.err, partition.ErrUnavailable) && !errors.Is(o.err, partition.ErrUnknown) {
			c.t.Errorf("through %s, which is cut off: got %q, %v; want it refused", victim, o.value, o.err)
		}
	}
	for _, heal := range heals {
		heal()
	}
	c.awaitOneMap(append(rest, victim))
	for _, o := range c.askEach(victim) {
		if o.err != nil {
			c.t.Errorf("through %s, which is back: %v", victim, o.err)
		}
	}
	return served
}

// askEach reads and writes a key of every partition, all at once, through one of the
// nodes each, and returns what came of it.
func (c *cluster) askEach(names ...string) []seen {
	var all sync.WaitGroup
	keys := c.keyOfEach()
	answers := make([]seen, 2*len(keys))
	for i, key := range keys {
		via := c.node(names[i%len(names)])
		all.Go(func() { answers[2*i] = carryOut(via, step{kind: get, key: key}) })
		all.Go(func() { answers[2*i+1] = carryOut(via, step{kind: put, key: key, value: key}) })
	}
	all.Wait()
	return answers
}
