package node

import (
	"errors"
	"testing"
	"time"

	"pipelinedht/fsm"
	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

func TestNodesJoinAndLeaveWhileAnotherIsDead(t *testing.T) {
	inBubble(t, func(c *cluster) {
		names := numbered("n", 6)
		c.startAll(names...)
		for _, name := range names[1:5] {
			c.join(name, "n1")
		}
		data := numbered("k", 40)
		for _, k := range data {
			c.put("n1", k, k)
		}
		c.put("n6", "of n6", "n6")
		c.awaitVoters(names[:5])
		c.net.kill("n5:1")
		c.crash("n5")
		c.join("n6", "n5", "n2")
		c.leave("n1")
		for _, name := range []string{"n2", "n3", "n4", "n6"} {
			for _, k := range data {
				c.expect(k, k, name)
			}
			c.expect("of n6", "n6", name)
			if got := len(c.node(name).Peers()); got != 5 {
				t.Errorf("peers of %s: got %v, want the dead one and four more", name, c.node(name).Peers())
			}
		}
		c.peers("n1")
	})
}

func TestALeaveThatTheOthersCannotTakeIsRefused(t *testing.T) {
	inBubble(t, func(c *cluster) {
		names := []string{"a", "b", "c"}
		c.startAll(names...)
		c.join("b", "a")
		c.join("c", "a")
		c.awaitVoters(names)
		for _, k := range numbered("k", 20) {
			c.put("a", k, k)
		}
		c.net.kill("b:1")
		c.crash("b")
		c.eventually(time.Minute, "aware of the death", func() error {
			if p, _ := c.node("a").Ring().PeerNamed("b"); p.State == partition.Active {
				return errors.New("b is active")
			}
			return nil
		})
		c.leave("c")
		before := c.node("a").Ring()
		err := c.node("a").Leave(c.t.Context())
		errIs(t, err, httpapi.ErrConflict)
		errIs(t, err, fsm.ErrLastPeer)
		if after := c.node("a").Ring(); after.Version != before.Version {
			t.Errorf("ring version: went from %d to %d", before.Version, after.Version)
		}
		for _, k := range numbered("k", 20) {
			c.expect(k, k, "a")
		}
		c.start("d")
		c.join("d", "a")
		c.leave("a")
		for _, k := range numbered("k", 20) {
			c.expect(k, k, "d")
		}
	})
}

// Most of a cluster goes away while a node joins or leaves, for longer than either
// is waited for.
func TestAJoinEndsWellWhenItsTargetFallsSilentAtAnyStep(t *testing.T) {
	members, all := []string{"a", "b", "c"}, []string{"a", "b", "c", "d"}
	own, theirs := make(map[string]string), make(map[string]string)
	var joined error
	scenario{
		nodes: "abcd",
		actor: "d",
		down:  2 * time.Minute,
		before: func(r *crew) {
			r.gather(members...)
			r.fill("a", theirs, numbered("a", 8)...)
			r.fill("d", own, numbered("d", 8)...)
		},
		change: func(r *crew) { _, joined = r.c.tryJoinOf(r.c.node("d"), "b") },
		after: func(r *crew) {
			if len(r.c.node("d").Peers()) == 1 {
				if joined == nil {
					r.c.t.Error("d has joined, it says, and stands alone")
				}
				for key, value := range own {
					r.c.expect(key, value, "d")
				}
				r.c.join("d", "a")
			}
			r.whole(theirs, all...)
			r.whole(own, all...)
		},
	}.run(t, is("a majority", "a", "b"), is("all members", members...))
}

func TestALeaveEndsWellWhenTheOthersFallSilentAtAnyStep(t *testing.T) {
	all := []string{"a", "b", "c", "d"}
	data := make(map[string]string)
	scenario{
		nodes: "abcd",
		actor: "d",
		down:  2 * time.Minute,
		before: func(r *crew) {
			r.gather(all...)
			r.fill("b", data, numbered("k", 16)...)
		},
		change: func(r *crew) { r.leave("d") },
		after:  func(r *crew) { r.leftOrNot("d", data, all...) },
	}.run(t, is("two", "b", "c"), is("all others", "a", "b", "c"))
}

// The leaver leads Raft, and the other one is away from before it could.
func TestALeaveOfTwoEndsWellWhenTheOtherFallsSilentAtAnyStep(t *testing.T) {
	data := make(map[string]string)
	scenario{
		nodes: "ab",
		actor: "b",
		down:  2 * time.Minute,
		before: func(r *crew) {
			r.c.join("b", "a")
			r.fill("b", data, numbered("k", 12)...)
			for !r.c.leads("b") {
				start := r.kill([]string{"a"})
				time.Sleep(time.Second)
				start("a")
				r.c.awaitReady(r.c.node("a"))
			}
		},
		change: func(r *crew) { r.leave("b") },
		after:  func(r *crew) { r.leftOrNot("b", data, "a", "b") },
	}.run(t, is("the other", "a"))
}
