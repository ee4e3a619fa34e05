package node

import (
	"context"
	"slices"
	"testing"
	"time"

	"pipelinedht/httpapi"
)

func TestALeaverKeepsWhatItWasPrimaryForAndTheRestHasEverything(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b", "c")
		c.join("b", "a")
		c.join("c", "a")
		all := numbered("k", 100)
		for _, k := range all {
			c.put("a", k, "v")
		}
		listed := c.keys("b")
		if len(listed) == 0 || len(listed) == len(all) {
			t.Fatalf("keys of b before it leaves: got %d of %d", len(listed), len(all))
		}
		c.leave("b")
		c.peers("b")
		c.peers("a", "c")
		if got := c.keys("b"); !slices.Equal(got, listed) {
			t.Errorf("keys of b alone: got %v, want %v", got, listed)
		}
		for _, k := range all {
			want := "-"
			if slices.Contains(listed, k) {
				want = "v"
			}
			c.expect(k, want, "b")
			c.expect(k, "v", "a", "c")
		}
		if got := len(c.keys("a")) + len(c.keys("c")); got != len(all) {
			t.Errorf("keys listed by the rest: got %d, want %d", got, len(all))
		}
	})
}

func TestARejoinBringsBackNothingOverwrittenOrDeleted(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b")
		c.join("b", "a")
		for _, k := range numbered("k", 60) {
			c.put("a", k, "old")
		}
		kept := c.keys("b")
		if len(kept) < 6 {
			t.Fatalf("b is primary for %d keys only", len(kept))
		}
		c.leave("b")
		overwritten, deleted, both := kept[0], kept[1], kept[2]
		rewritten, removed, own := kept[3], kept[4], "new at b"
		c.put("a", overwritten, "new at a")
		c.del("a", deleted)
		c.put("b", both, "new at b")
		time.Sleep(time.Second)
		c.put("a", both, "newer at a")
		c.put("b", rewritten, "new at b")
		c.del("b", removed)
		c.put("b", own, "v")

		report := c.join("b", "a")
		if report.Imported != 2 || report.Lost != 1 {
			t.Errorf("report: got %+v, want 2 imported (one rewritten, one new), 1 lost", report)
		}
		c.expect(overwritten, "new at a", "a", "b")
		c.expect(deleted, "-", "a", "b")
		c.expect(both, "newer at a", "a", "b")
		c.expect(rewritten, "new at b", "a", "b")
		c.expect(removed, "-", "a", "b")
		c.expect(own, "v", "a", "b")
		c.expect(kept[5], "old", "a", "b")
	})
}

func TestIntoAnotherClusterALeaverBringsEverythingItKept(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b", "x")
		c.join("b", "a")
		for _, k := range numbered("k", 40) {
			c.put("a", k, "v")
		}
		c.leave("b")
		kept := c.keys("b")
		c.del("b", kept[0])
		if report := c.join("b", "x"); report.Imported != len(kept)-1 {
			t.Errorf("report: got %+v, want %d imported", report, len(kept)-1)
		}
		c.expect(kept[0], "-", "b", "x")
		for _, k := range kept[1:] {
			c.expect(k, "v", "b", "x")
		}
	})
}

func TestImportedRecordsAreNoNewsAfterARejoin(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b")
		for _, k := range numbered("k", 40) {
			c.put("b", k, "brought along")
		}
		c.join("b", "a")
		c.leave("b")
		kept := c.keys("b")
		c.del("a", kept[0])
		if report := c.join("b", "a"); report.Imported != 0 || report.Lost != 0 {
			t.Errorf("report: got %+v, want nothing imported", report)
		}
		c.expect(kept[0], "-", "a", "b")
	})
}

func TestAllButOneLeave(t *testing.T) {
	inBubble(t, func(c *cluster) {
		names := numbered("n", 5)
		c.startAll(names...)
		for _, name := range names[1:] {
			c.join(name, names[0])
		}
		all := numbered("k", 50)
		for _, k := range all {
			c.put("n3", k, "v")
		}
		for i, name := range names[:4] {
			c.leave(name)
			c.peers(names[i+1:]...)
		}
		for _, k := range all {
			c.expect(k, "v", "n5")
		}
		before := c.nodes["n5"].Ring().Version
		c.leave("n5")
		if after := c.nodes["n5"].Ring().Version; after != before {
			t.Errorf("the last node leaves: ring version went from %d to %d", before, after)
		}
	})
}

func TestTwoThatLeaveAtOnceAreNotBothLet(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b")
		c.join("b", "a")
		all := numbered("k", 30)
		for _, k := range all {
			c.put("a", k, "v")
		}
		done := make(chan error, 2)
		for _, name := range []string{"a", "b"} {
			go func() { done <- c.nodes[name].Leave(context.Background()) }()
		}
		for range 2 {
			if err := <-done; err != nil {
				errIs(t, err, httpapi.ErrConflict)
			}
		}
		for _, k := range all {
			if c.get("a", k) != "v" && c.get("b", k) != "v" {
				t.Errorf("%s is lost", k)
			}
		}
	})
}
