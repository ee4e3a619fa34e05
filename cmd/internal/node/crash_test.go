package node

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var everyStepFlag = flag.Bool("every-step", false, "crash at every step of joins, leaves and take-overs, not only at some")

// someSteps is at how many steps a scenario has its crashes, without -every-step.
const someSteps = 6

// scenario is a change of a cluster of nodes with disks, which all are called by
// one letter. It is carried out again and again, and each time some nodes end at
// another step of theirs.
type scenario struct {
	nodes  string
	actor  string        // the node that carries out change
	down   time.Duration // for which dead nodes stay away from those that go on meanwhile; downTime
	before func(*crew)
	change func(*crew)
	// after checks what came of it, when the dead nodes have started again and have
	// nothing left to do.
	after func(*crew)
}

// role says which nodes end, by the state of the cluster before the change.
type role struct {
	name  string
	nodes func(*cluster) []string
}

// is is the role of certain nodes.
func is(name string, nodes ...string) role {
	return role{name, func(*cluster) []string { return nodes }}
}

// theLeader is the role of Raft's leader.
func theLeader(members ...string) role {
	return role{"the leader", func(c *cluster) []string {
		for _, name := range members {
			if c.leads(name) {
				return []string{name}
			}
		}
		return members[:1]
	}}
}

// run has each of the roles end at every step, or at some.
func (s scenario) run(t *testing.T, roles ...role) {
	random := rand.New(rand.NewPCG(seed(t), 500))
	for _, r := range roles {
		t.Run(r.name, func(t *testing.T) {
			steps := 0
			s.once(t, r, 0, func(n int) { steps = n })
			count := min(steps, someSteps)
			if *everyStepFlag {
				count = steps
			}
			t.Logf("%d of %d steps", count, steps)
			for i := range count {
				at := 1 + (i*steps+random.IntN(steps))/count
				t.Run(fmt.Sprintf("step %d", at), func(t *testing.T) { s.once(t, r, at, func(int) {}) })
			}
		})
	}
}

// downTime is the default of scenario.down.
const downTime = 3 * time.Second

// once carries the scenario out with a crash at that step, or none at 0. It may
// get through before.
func (s scenario) once(t *testing.T, victims role, at int, count func(steps int)) {
	dir := t.TempDir()
	inBubble(t, func(c *cluster) {
		c.partitions = 4
		var names []string
		for _, name := range s.nodes {
			names = append(names, string(name))
		}
		r := newCrew(c, dir, names...)
		f := newFuse(r)
		for _, name := range names {
			r.open(name)
			c.awaitReady(c.node(name))
		}
		s.before(r)
		dead := victims.nodes(c)
		f.watch(dead, at)
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.change(r)
		}()
		select {
		case <-done:
		case <-f.blown:
			if slices.Contains(dead, s.actor) {
				break
			}
			time.Sleep(cmp.Or(s.down, downTime))
		}
		steps, blown := f.disarm()
		count(steps)
		if blown {
			r.bury(dead)
			if slices.Contains(dead, s.actor) {
				<-done
			}
			for _, name := range dead {
				r.open(name)
			}
		}
		<-done
		for _, name := range names {
			if c.node(name) == nil {
				r.open(name)
			}
		}
		c.awaitDone(names)
		for _, name := range names {
			c.awaitReady(c.node(name))
		}
		s.after(r)
	})
}

// bury closes nodes that a fuse has ended, but for those that somebody closes
// already.
func (r *crew) bury(dead []string) {
	for _, name := range dead {
		if r.c.node(name) != nil {
			r.c.crash(name)
		}
	}
}

// whole checks that the nodes are one cluster that has all of the data.
func (r *crew) whole(data map[string]string, names ...string) {
	r.c.t.Helper()
	r.c.awaitOneMap(names)
	r.c.peers(names...)
	for key, value := range data {
		r.c.expect(key, value, names...)
	}
}

// fill writes keys through a node, and adds them to data.
func (r *crew) fill(name string, data map[string]string, keys ...string) {
	r.c.t.Helper()
	for _, key := range keys {
		data[key] = "of " + name
		r.c.put(name, key, data[key])
	}
}

// gather has all nodes join the first.
func (r *crew) gather(names ...string) {
	r.c.t.Helper()
	for _, name := range names[1:] {
		r.c.join(name, names[0])
	}
	r.c.awaitVoters(names)
}

func TestAJoinSurvivesCrashesAtAnyStep(t *testing.T) {
	members, all := []string{"a", "b", "c"}, []string{"a", "b", "c", "d"}
	own, theirs := make(map[string]string), make(map[string]string)
	var joined error
	scenario{
		nodes: "abcd",
		actor: "d",
		before: func(r *crew) {
			r.gather(members...)
			r.fill("d", own, "both")
			time.Sleep(time.Second)
			r.fill("a", theirs, append(numbered("a", 8), "both")...)
			r.fill("d", own, numbered("d", 4)...)
		},
		change: func(r *crew) { _, joined = r.c.tryJoinOf(r.c.node("d"), "b") },
		after: func(r *crew) {
			c := r.c
			switch alone := len(c.node("d").Peers()) == 1; {
			case alone && joined == nil:
				c.t.Errorf("d has joined, it says, and stands alone")
			case alone:
				for key, value := range own {
					c.expect(key, value, "d")
				}
				for key, value := range theirs {
					c.expect(key, value, members...)
				}
				c.join("d", "a")
			}
			r.whole(theirs, all...)
			for _, key := range numbered("d", 4) {
				c.expect(key, own[key], all...)
			}
		},
	}.run(t, is("the joiner", "d"), is("its contact", "b"), theLeader(members...), is("a majority", "b", "c"),
		is("all members", members...), is("everybody", all...))
}

func TestTheFirstJoinSurvivesCrashesAtAnyStep(t *testing.T) {
	own, theirs := make(map[string]string), make(map[string]string)
	scenario{
		nodes: "ab",
		actor: "a",
		before: func(r *crew) {
			r.fill("a", own, numbered("a", 4)...)
			r.fill("b", theirs, numbered("b", 4)...)
		},
		change: func(r *crew) { r.c.tryJoinOf(r.c.node("a"), "b") },
		after: func(r *crew) {
			if len(r.c.node("a").Peers()) == 1 {
				for key, value := range own {
					r.c.expect(key, value, "a")
				}
				r.c.join("a", "b")
			}
			r.whole(own, "a", "b")
			r.whole(theirs, "a", "b")
		},
	}.run(t, is("the joiner", "a"), is("the other", "b"), is("both", "a", "b"))
}

func TestALeaveSurvivesCrashesAtAnyStep(t *testing.T) {
	all := []string{"a", "b", "c", "d"}
	data := make(map[string]string)
	scenario{
		nodes: "abcd",
		actor: "d",
		before: func(r *crew) {
			r.gather(all...)
			r.fill("b", data, numbered("k", 16)...)
		},
		change: func(r *crew) { r.leave("d") },
		after:  func(r *crew) { r.leftOrNot("d", data, all...) },
	}.run(t, is("the leaver", "d"), theLeader(all[:3]...), is("another", "b"), is("a majority", "b", "c", "d"), is("everybody", all...))
}

func TestALeaveOfTwoSurvivesCrashesAtAnyStep(t *testing.T) {
	data := make(map[string]string)
	scenario{
		nodes: "ab",
		actor: "a",
		before: func(r *crew) {
			r.c.join("a", "b")
			r.fill("b", data, numbered("k", 12)...)
		},
		change: func(r *crew) { r.leave("a") },
		after:  func(r *crew) { r.leftOrNot("a", data, "a", "b") },
	}.run(t, is("the leaver", "a"), is("the other", "b"), is("both", "a", "b"))
}

// leave has a node leave, or try to.
func (r *crew) leave(name string) {
	ctx, cancel := timeout(5 * time.Minute)
	defer cancel()
	r.c.node(name).Leave(ctx)
}

// leftOrNot checks that a node has left its cluster whole, or is a peer still; and
// that what it has kept does not come back with it.
func (r *crew) leftOrNot(leaver string, data map[string]string, all ...string) {
	c := r.c
	c.t.Helper()
	stay := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == leaver })
	if len(c.node(leaver).Peers()) > 1 {
		r.whole(data, all...)
		return
	}
	r.whole(data, stay...)
	kept := c.keys(leaver)
	for _, key := range kept {
		c.expect(key, data[key], leaver)
	}
	if len(kept) > 0 {
		c.del(stay[0], kept[0])
	}
	c.join(leaver, stay...)
	if len(kept) > 0 {
		c.expect(kept[0], "-", all...)
		c.put(leaver, kept[0], data[kept[0]])
	}
	r.whole(data, all...)
}

func TestATakeOverSurvivesCrashesAtAnyStep(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e"}
	data := make(map[string]string)
	scenario{
		nodes: "abcde",
		before: func(r *crew) {
			r.gather(all...)
			r.fill("b", data, numbered("k", 16)...)
		},
		change: func(r *crew) {
			start := r.kill([]string{"e"})
			r.serveAll("c", data)
			start("e")
		},
		after: func(r *crew) { r.whole(data, all...) },
	}.run(t, is("an heir", "a"), is("another heir", "b"), theLeader(all[:4]...), is("two", "a", "b"))
}

// serveAll waits until every key can be written through a node that runs.
func (r *crew) serveAll(name string, data map[string]string) {
	for key, value := range data {
		r.c.eventually(time.Minute, "served", func() error {
			n := r.c.node(name)
			if n == nil {
				return errors.New("the node is away")
			}
			return carryOut(n, step{kind: put, key: key, value: value}).err
		})
	}
}

func TestAStopSurvivesCrashesAtAnyStep(t *testing.T) {
	all := []string{"a", "b", "c", "d"}
	data := make(map[string]string)
	scenario{
		nodes: "abcd",
		actor: "d",
		before: func(r *crew) {
			r.gather(all...)
			r.fill("b", data, numbered("k", 16)...)
		},
		change: func(r *crew) {
			ctx, cancel := timeout(stopTimeout)
			defer cancel()
			r.c.take("d").Close(ctx) // what a dead one says is of no matter
		},
		after: func(r *crew) { r.whole(data, all...) },
	}.run(t, is("the node", "d"), theLeader(all[:3]...), is("an heir", "a"), is("everybody", all...))
}
