package node

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestARollingRestartFailsNoRequest(t *testing.T) {
	s := seed(t)
	dir := t.TempDir()
	inBubble(t, func(c *cluster) {
		c.skew = 0.05
		names := numbered("n", 5)
		r := startCrew(c, dir, names...)
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
		r := startCrew(c, dir, names...)
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
