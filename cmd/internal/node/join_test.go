package node

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

func TestALoneNodeServesWithinHalfASecond(t *testing.T) {
	inBubble(t, func(c *cluster) {
		begun := time.Now()
		c.start("a")
		if took := time.Since(begun); took > 500*time.Millisecond {
			t.Errorf("ready after %v", took)
		}
		c.expect("k", "-", "a")
		c.put("a", "k", "v")
		c.expect("k", "v", "a")
		c.del("a", "k")
		c.expect("k", "-", "a")
		c.peers("a")
	})
}

func TestAJoinerBringsItsKeys(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b")
		for _, k := range numbered("a", 50) {
			c.put("a", k, "of a")
		}
		for _, k := range numbered("b", 50) {
			c.put("b", k, "of b")
		}
		report := c.join("a", "b")
		if report.Imported != 50 || report.Lost != 0 || report.AlreadyMember {
			t.Errorf("report: got %+v, want 50 imported, none lost", report)
		}
		c.peers("a", "b")
		for _, k := range numbered("a", 50) {
			c.expect(k, "of a", "a", "b")
		}
		for _, k := range numbered("b", 50) {
			c.expect(k, "of b", "a", "b")
		}
		if all := len(c.keys("a")) + len(c.keys("b")); all != 100 {
			t.Errorf("keys listed by both: got %d, want 100", all)
		}
	})
}

func TestWhereBothSidesHaveAKeyTheLaterWriteWins(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b")
		c.put("a", "early at a", "a")
		c.put("b", "early at b", "b")
		time.Sleep(time.Second)
		c.put("b", "early at a", "b")
		c.put("a", "early at b", "a")
		report := c.join("a", "b")
		if report.Imported != 1 || report.Lost != 1 {
			t.Errorf("report: got %+v, want 1 imported, 1 lost", report)
		}
		c.expect("early at a", "b", "a", "b")
		c.expect("early at b", "a", "a", "b")
	})
}

func TestTenNodesJoinOneAfterTheOther(t *testing.T) {
	inBubble(t, func(c *cluster) {
		names := numbered("n", 10)
		c.startAll(names...)
		for _, name := range names {
			for _, k := range numbered(name+"-", 5) {
				c.put(name, k, "of "+name)
			}
		}
		for i := 1; i < len(names); i++ {
			if report := c.join(names[i], names[i-1]); report.Imported != 5 {
				t.Errorf("%s joins: got %+v, want 5 imported", names[i], report)
			}
			c.peers(names[:i+1]...)
			for _, name := range names[:i+1] {
				for _, k := range numbered(name+"-", 5) {
					c.expect(k, "of "+name, names[:i+1]...)
				}
			}
		}
		all := 0
		for _, name := range names {
			all += len(c.keys(name))
		}
		if all != 50 {
			t.Errorf("keys listed: got %d, want 50", all)
		}
	})
}

func TestAMemberThatJoinsAnotherClusterLeavesItsOwnFirst(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b", "x")
		for _, k := range numbered("k", 40) {
			c.put("a", k, "of the old cluster")
		}
		c.put("x", "own", "of x")
		c.join("b", "a")
		listed := c.keys("b")
		report := c.join("b", "x")
		if report.Imported != len(listed) {
			t.Errorf("report: got %+v, want the %d keys that b was primary for imported", report, len(listed))
		}
		c.peers("a")
		c.peers("b", "x")
		for _, k := range numbered("k", 40) {
			c.expect(k, "of the old cluster", "a")
		}
		for _, k := range listed {
			c.expect(k, "of the old cluster", "b", "x")
		}
		c.expect("own", "of x", "b", "x")
		c.expect("own", "-", "a")
	})
}

func TestAJoinThatCannotBeLeavesEverythingAsItWas(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b", "c")
		c.join("b", "a")
		c.put("c", "k", "of c")
		listed := c.keys("b")
		for _, tt := range []struct {
			name     string
			joiner   string
			contacts []string
			want     error
		}{
			{"nobody there", "c", []string{"nobody", "nobody2"}, partition.ErrUnavailable},
			{"itself", "c", []string{"c"}, httpapi.ErrJoin},
			{"itself and nobody", "c", []string{"c", "nobody"}, partition.ErrUnavailable},
			{"a member joins nobody", "b", []string{"nobody"}, partition.ErrUnavailable},
		} {
			if _, err := c.tryJoin(tt.joiner, tt.contacts...); !errors.Is(err, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
			}
		}
		c.peers("c")
		c.peers("a", "b")
		c.expect("k", "of c", "c")
		if got := c.keys("b"); !slices.Equal(got, listed) {
			t.Errorf("keys of b: got %v, want %v", got, listed)
		}
	})
}

func TestATakenNameIsRefusedBeforeAnythingIsGivenUp(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b", "x")
		c.join("b", "a")
		// A node called a, elsewhere, in a cluster of two.
		c.start("twin", func(cfg *Config) { cfg.Name = "a" })
		c.join("twin", "x")
		_, err := c.tryJoin("twin", "b")
		errIs(t, err, httpapi.ErrConflict)
		if got := c.nodes["twin"].Peers(); !slices.Equal(got, []string{"a", "x"}) {
			t.Errorf("peers after the refusal: got %v, want [a x]", got)
		}
	})
}

func TestJoiningAPeerOfTheOwnClusterChangesNothing(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b")
		c.join("b", "a")
		before := c.nodes["a"].Ring().Version
		for _, contact := range []string{"a", "b"} {
			if report := c.join("b", contact); !report.AlreadyMember {
				t.Errorf("b joins %s: got %+v, want AlreadyMember", contact, report)
			}
		}
		if after := c.nodes["a"].Ring().Version; after != before {
			t.Errorf("ring version: went from %d to %d", before, after)
		}
	})
}

func TestTheFirstContactThatAnswersIsJoined(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b")
		c.join("b", "nobody", "b", "a")
		c.peers("a", "b")
	})
}

func TestAJoinGoesOnWhenItsClientHasGone(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b")
		c.put("b", "k", "of b")
		ctx, cancel := context.WithCancel(context.Background())
		c.eventually(time.Minute, "begun", func() error {
			go c.nodes["b"].Join(ctx, []httpapi.Contact{{Address: "a:1"}})
			return nil
		})
		c.eventually(time.Minute, "known to a", func() error {
			if len(c.nodes["a"].Peers()) != 2 {
				return errors.New("not there")
			}
			return nil
		})
		cancel()
		c.eventually(time.Minute, "done", func() error {
			if m := c.nodes["b"].Ring(); m == nil || !m.Settled() {
				return errors.New("not settled")
			}
			return nil
		})
		c.peers("a", "b")
		c.expect("k", "of b", "a", "b")
	})
}

func TestANodeToldToJoinAtItsStartTriesUntilSomebodyIsThere(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.start("b", func(cfg *Config) { cfg.Join = []httpapi.Contact{{Address: "a:1"}} })
		c.put("b", "k", "of b")
		time.Sleep(20 * time.Second)
		c.start("a")
		c.eventually(time.Minute, "joined", func() error {
			if m := c.nodes["a"].Ring(); len(m.Peers) != 2 || !m.Settled() {
				return errors.New("not yet")
			}
			return nil
		})
		c.expect("k", "of b", "a", "b")
	})
}

func TestANodeWithAnotherSecretIsNotLetIn(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.start("a", func(cfg *Config) { cfg.Secret = "one" })
		c.start("b", func(cfg *Config) { cfg.Secret = "another" })
		_, err := c.tryJoin("b", "a")
		errIs(t, err, httpapi.ErrConflict)
		c.peers("a")
		c.peers("b")
	})
}
