package node

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

// Each node joins the one that the letter below its own names, "-" joins nobody.
func TestNodesThatJoinOneAnotherAtTheSameMomentEndInOneCluster(t *testing.T) {
	for _, tt := range []struct{ name, nodes, targets string }{
		{"two", "ab", "ba"},
		{"two, and others that join them", "abcde", "baabd"},
		{"a ring of three", "abc", "bca"},
		{"a ring of four", "abcd", "bcda"},
		{"a ring of nine", "abcdefghi", "bcdefghia"},
		{"a ring, and others that join it", "abcdefg", "bcdaaef"},
		{"a row", "abcde", "bcde-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(c *cluster) {
				names := strings.Split(tt.nodes, "")
				c.startAll(names...)
				for _, name := range names {
					c.put(name, "of "+name, name)
				}
				c.joinAtOnce(names, strings.Split(tt.targets, ""))
				c.peers(names...)
				for _, name := range names {
					c.expect("of "+name, name, names...)
				}
			})
		})
	}
}

// joinAtOnce has each node join its target, but for "-", before anything that one of
// them sends has arrived, and waits until all have.
func (c *cluster) joinAtOnce(names, targets []string) {
	c.t.Helper()
	c.net.slow(time.Millisecond)
	var joins sync.WaitGroup
	for i, name := range names {
		if targets[i] == "-" {
			continue
		}
		joins.Go(func() {
			if _, err := c.tryJoin(name, targets[i]); err != nil {
				c.t.Errorf("%s joins %s: %v", name, targets[i], err)
			}
		})
	}
	joins.Wait()
}

// Where many nodes join others that are about to join others themselves, how many
// clusters there are in the end depends on who is first; what must not depend on it
// is that every node is in one, and that nothing is lost.
func TestJoinsInAnyPatternAtOnceLoseNothing(t *testing.T) {
	s := seed(t)
	for round := range uint64(8) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			r := rand.New(rand.NewPCG(s, round))
			inBubble(t, func(c *cluster) {
				names := numbered("n", 6)
				c.startAll(names...)
				c.net.slow(10 * time.Millisecond)
				var wg sync.WaitGroup
				for i, name := range names {
					c.put(name, "of "+name, name)
					target := names[(i+1+r.IntN(len(names)-1))%len(names)]
					after := time.Duration(r.IntN(200)) * time.Millisecond
					wg.Go(func() {
						time.Sleep(after)
						_, err := c.tryJoin(name, target)
						if err != nil && !errors.Is(err, partition.ErrUnavailable) && !errors.Is(err, httpapi.ErrConflict) {
							t.Errorf("%s joins %s: %v", name, target, err)
						}
					})
				}
				wg.Wait()
				c.awaitDone(names)
				for _, name := range names {
					c.awaitOneMap(c.members(c.node(name).life().record.Cluster))
					if !slices.ContainsFunc(names, func(at string) bool { return c.get(at, "of "+name) == name }) {
						t.Errorf("what %s brought is nowhere", name)
					}
				}
			})
		})
	}
}

func TestTenJoinsAndLeavesAtOnce(t *testing.T) {
	s := seed(t)
	inBubble(t, func(c *cluster) {
		names := numbered("n", 11)
		c.startAll(names...)
		members, joiners := names[:6], names[6:]
		leavers, stay := members[:4], append(slices.Clone(members[4:]), joiners...)
		stay = stay[:6] // the last one leaves again
		leavers = append(slices.Clone(leavers), joiners[4])
		for _, name := range members[1:] {
			c.join(name, "n1")
		}
		data := numbered("k", 40)
		for _, k := range data {
			c.put("n1", k, k)
		}
		for _, name := range joiners {
			c.put(name, "of "+name, name)
		}
		c.net.slow(2 * time.Millisecond)
		w := startWorkload(c, s, workPause, members[4:]...)
		var wg sync.WaitGroup
		r := rand.New(rand.NewPCG(s, 600))
		for _, name := range joiners {
			targets := slices.Clone(members)
			r.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
			wg.Go(func() {
				if _, err := c.tryJoin(name, targets...); err != nil {
					t.Errorf("%s joins: %v", name, err)
				}
			})
		}
		for _, name := range leavers[:4] {
			wg.Go(func() {
				if err := c.node(name).Leave(c.t.Context()); err != nil {
					t.Errorf("%s leaves: %v", name, err)
				}
			})
		}
		wg.Wait()
		c.leave(leavers[4])
		w.end()
		for _, err := range w.failed {
			t.Errorf("failed: %v", err)
		}
		c.awaitOneMap(stay)
		for _, k := range data {
			c.expect(k, k, stay...)
		}
		for _, name := range joiners {
			c.expect("of "+name, name, stay...)
		}
		for _, name := range leavers {
			c.peers(name)
		}
	})
}

// Of two nodes that join each other one has added the other, which is long in coming:
// the first can neither leave it behind nor be refused for that.
func TestANodeThatHasBeenJoinedMeanwhileWaitsForWhoIsComing(t *testing.T) {
	inBubble(t, func(c *cluster) {
		cut := &raftCut{open: make(map[*raftCutConn]bool)}
		names := []string{"a", "b"}
		for _, name := range names {
			c.start(name, cut.option)
			c.put(name, "of "+name, name)
		}
		c.net.slow(10 * time.Millisecond)
		var joins sync.WaitGroup
		for i, name := range names {
			joins.Go(func() {
				if _, err := c.tryJoin(name, names[1-i]); err != nil {
					t.Errorf("%s joins %s: %v", name, names[1-i], err)
				}
			})
		}
		c.eventually(time.Minute, "added", func() error {
			for _, name := range names {
				if m := c.node(name).Ring(); m != nil && len(m.Peers) == 2 {
					return nil
				}
			}
			return errors.New("both stand alone")
		})
		cut.silence("a:1")
		time.Sleep(longRunning) // until it is down
		cut.silence("")
		joins.Wait()
		c.awaitOneMap(names)
		for _, name := range names {
			c.expect("of "+name, name, names...)
		}
	})
}
