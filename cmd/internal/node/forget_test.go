package node

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

func (c *cluster) forget(by, name string, loseData bool) (httpapi.ForgetReport, error) {
	ctx, cancel := timeout(time.Minute)
	defer cancel()
	return c.nodes[by].Forget(ctx, name, loseData)
}

// cutOff parts a node from others, and returns what mends that.
func (c *cluster) cutOff(name string, others ...string) (heal func()) {
	var heals []func()
	for _, other := range others {
		heals = append(heals, c.net.part(name+":1", other+":1"))
	}
	return func() {
		for _, f := range heals {
			f()
		}
	}
}

func (c *cluster) awaitTold(name, what string) {
	c.t.Helper()
	c.eventually(time.Minute, "told that it was "+what, func() error {
		if err := c.nodes[name].Ready(); err == nil || !strings.Contains(err.Error(), what) {
			return errors.New("it is not told")
		}
		return nil
	})
}

func TestAPeerThatIsGoneIsForgotten(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b", "c")
		c.join("b", "a")
		c.join("c", "a")
		all := numbered("k", 50)
		for _, k := range all {
			c.put("a", k, "v")
		}
		_, err := c.forget("a", "c", false)
		errIs(t, err, httpapi.ErrConflict)
		_, err = c.forget("a", "a", true)
		errIs(t, err, httpapi.ErrConflict)
		_, err = c.forget("a", "x", false)
		errIs(t, err, httpapi.ErrNoPeer)

		heal := c.cutOff("c", "a", "b")
		report, err := c.forget("b", "c", false)
		if err != nil || !report.Gone || report.Lost != 0 {
			t.Fatalf("forget c: %+v, %v", report, err)
		}
		c.awaitOneMap([]string{"a", "b"})
		c.peers("a", "b")
		for _, k := range all {
			c.expect(k, "v", "a", "b")
		}
		heal()
		c.awaitTold("c", "removed")
		_, err = read(context.Background(), c.nodes["c"], "k1")
		errIs(t, err, partition.ErrUnavailable)
		_, err = c.forget("c", "a", true)
		errIs(t, err, partition.ErrUnavailable)
		if _, err = c.tryJoin("c", "a"); !errors.Is(err, httpapi.ErrConflict) || !strings.Contains(err.Error(), "/dht/leave") {
			t.Errorf("c joins again before it has left: got %v, want a word on what to do", err)
		}
		c.leave("c")
		c.join("c", "a")
		c.peers("a", "b", "c")
		for _, k := range all {
			c.expect(k, "v", "a", "b", "c")
		}
	})
}

// startOneCopy starts a, b and c as one cluster with one copy of everything, and
// returns its keys, whose value is v.
func (c *cluster) startOneCopy() []string {
	c.t.Helper()
	c.start("a", func(cfg *Config) { cfg.Replicas = 1 })
	c.startAll("b", "c")
	c.join("b", "a")
	c.join("c", "a")
	all := numbered("k", 60)
	for _, k := range all {
		c.put("a", k, "v")
	}
	return all
}

func TestWhatAForgottenPeerAloneHadIsGivenUpOnlyOnAnOperatorsWord(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startOneCopy()
		lost := c.keys("c")
		if len(lost) == 0 {
			t.Fatal("c has no key")
		}
		heal := c.cutOff("c", "a", "b")
		_, err := c.forget("a", "c", false)
		errIs(t, err, httpapi.ErrConflict)
		if !strings.Contains(err.Error(), "--lose-data") {
			t.Errorf("no word on the remedy: %v", err)
		}
		report, err := c.forget("a", "c", true)
		if err != nil || report.Lost == 0 || !report.Gone {
			t.Fatalf("forget c with its data: %+v, %v", report, err)
		}
		c.awaitOneMap([]string{"a", "b"})
		c.peers("a", "b")
		for _, k := range lost {
			c.expect(k, "-", "a", "b")
			c.put("b", k, "new")
		}
		heal()
		c.awaitTold("c", "removed")
		_, err = read(context.Background(), c.nodes["c"], lost[0])
		errIs(t, err, partition.ErrUnavailable)
		c.leave("c")
		c.expect(lost[0], "v", "c")
		c.join("c", "a")
		for _, k := range lost {
			c.expect(k, "new", "a", "b", "c")
		}
	})
}

// A peer that is heard again at once is told by Raft's log what was given up with it,
// and then has it nevertheless.
func TestAForgottenPeerKeepsItsDataWhoeverTellsIt(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startOneCopy()
		had := c.keys("c")
		heal := c.cutOff("c", "a", "b")
		if report, err := c.forget("a", "c", true); err != nil || report.Lost == 0 {
			t.Fatalf("forget c with its data: %+v, %v", report, err)
		}
		heal()
		c.awaitTold("c", "removed")
		c.leave("c")
		for _, k := range had {
			c.expect(k, "v", "c")
			c.expect(k, "-", "a", "b")
		}
	})
}

// A peer that returns after it was forgotten, but before it was dropped, hands over
// what it has.
func TestAPeerThatIsRemovedWhileItRunsHandsOverAndKeepsItsData(t *testing.T) {
	inBubble(t, func(c *cluster) {
		all := c.startOneCopy()
		had := c.keys("c")
		ctx, cancel := timeout(time.Minute)
		defer cancel()
		if err := c.nodes["a"].life().raft.Load().RemovePeer(ctx, c.nodes["c"].life().record.Node); err != nil {
			t.Fatal(err)
		}
		c.awaitTold("c", "removed")
		for _, k := range all {
			c.expect(k, "v", "a", "b")
		}
		c.leave("c")
		for _, k := range had {
			c.expect(k, "v", "c")
			c.put("a", k, "new")
		}
		c.join("c", "a")
		for _, k := range had {
			c.expect(k, "new", "a", "b", "c")
		}
	})
}

func TestANodeUnderADeadPeersNameTakesItsPlace(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b", "c")
		c.join("b", "a")
		c.join("c", "a")
		all := numbered("k", 50)
		for _, k := range all {
			c.put("a", k, "v")
		}
		c.replaceProcess("c")
		c.join("c", "a")
		c.peers("a", "b", "c")
		if n := len(c.nodes["a"].Ring().Peers); n != 3 {
			t.Errorf("%d peers in the map, want the old one dropped", n)
		}
		for _, k := range all {
			c.expect(k, "v", "a", "b", "c")
		}
	})
}

// replaceProcess kills a node and starts another one, without its data, at once
// under its name and address.
func (c *cluster) replaceProcess(name string) {
	c.t.Helper()
	c.net.cut(func(from, to string) bool { return from == name+":1" || to == name+":1" })
	c.crash(name)
	c.start(name)
}

func TestALastCopyThatADeadPeersSuccessorDoesNotHaveWaitsForAWord(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startOneCopy()
		lost := c.keys("c")
		c.replaceProcess("c")
		report := c.join("c", "a")
		if report.Waiting == 0 {
			t.Errorf("report: got %+v, want a word on the partitions that the old c alone has", report)
		}
		ctx, cancel := timeout(time.Second)
		defer cancel()
		_, err := read(ctx, c.nodes["a"], lost[0])
		errIs(t, err, partition.ErrUnavailable)
		s, ok := c.nodes["a"].Status().(status)
		if !ok || s.Unserved != report.Waiting || len(s.Peers) != 4 {
			t.Errorf("status of a: %+v, want %d partitions unserved", s, report.Waiting)
		}
		_, err = c.forget("a", "c", false)
		errIs(t, err, httpapi.ErrConflict)
		if report, err := c.forget("a", "c", true); err != nil || report.Lost == 0 || !report.Gone {
			t.Fatalf("forget the old c: %+v, %v", report, err)
		}
		for _, k := range lost {
			c.expect(k, "-", "a", "b", "c")
			c.put("c", k, "new")
			c.expect(k, "new", "a", "b", "c")
		}
	})
}
