package node

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"pipelinedht/partition"
)

func TestANodeRemovedWhileItWasAwaySaysSoAndKeepsItsData(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b", "c")
		c.join("b", "a")
		c.join("c", "a")
		all := numbered("k", 30)
		for _, k := range all {
			c.put("a", k, "v")
		}
		heal := []func(){c.net.part("c:1", "a:1"), c.net.part("c:1", "b:1")}
		gone := c.nodes["c"].life()
		c.eventually(time.Minute, "agreed that c goes", func() error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return c.nodes["a"].life().raft.Load().RemovePeer(ctx, gone.record.Node)
		})
		c.eventually(time.Minute, "rid of c", func() error {
			if len(c.nodes["a"].Peers()) == 3 {
				return errors.New("c is still a peer")
			}
			return nil
		})
		for _, f := range heal {
			f()
		}
		c.eventually(time.Minute, "told", func() error {
			if err := c.nodes["c"].Ready(); err == nil || !strings.Contains(err.Error(), "removed") {
				return errors.New("c does not know that it was removed")
			}
			return nil
		})
		_, err := read(context.Background(), c.nodes["c"], "k1")
		errIs(t, err, partition.ErrUnavailable)
		for _, k := range all {
			c.expect(k, "v", "a", "b")
		}
		c.leave("c")
		c.peers("c")
		for _, k := range all {
			c.expect(k, "v", "c")
		}
		if report := c.join("c", "b"); report.Imported != 0 {
			t.Errorf("report: got %+v, want nothing imported", report)
		}
		c.peers("a", "b", "c")
	})
}

func TestAJoinGivesUpOnATargetThatFallsSilent(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b")
		c.put("a", "k", "v")
		a := c.nodes["a"]
		old := a.life().record.Node
		heal := func() {}
		var once sync.Once
		c.net.onSend(func(from string) {
			// The moment at which a has bound itself and is about to ask.
			if from == "a:1" && a.stored().Join != nil {
				once.Do(func() { heal = c.net.part("a:1", "b:1") })
			}
		})
		_, err := c.tryJoin("a", "b")
		errIs(t, err, partition.ErrUnavailable)
		c.expect("k", "v", "a")
		c.peers("a")
		if now := c.nodes["a"].life().record.Node; now != old {
			t.Errorf("node id of a: changed from %v to %v", old, now)
		}
		heal()
		if report := c.join("a", "b"); report.Imported != 1 {
			t.Errorf("report: got %+v, want 1 imported", report)
		}
		c.expect("k", "v", "a", "b")
	})
}

func TestAMajorityMayRestartAtNewAddresses(t *testing.T) {
	dirs := map[string]string{"a": t.TempDir(), "b": t.TempDir(), "c": t.TempDir()}
	inBubble(t, func(c *cluster) {
		for name, dir := range dirs {
			c.start(name, func(cfg *Config) { cfg.DataDir = dir })
		}
		c.join("b", "a")
		c.join("c", "a")
		c.put("a", "k", "v")
		c.stop("a")
		c.stop("b")
		var started []*Node
		for _, name := range []string{"a", "b"} {
			cfg := c.config(name)
			cfg.DataDir = dirs[name]
			cfg.Listener.Close()
			station := c.net.station(name + ":2")
			cfg.Listener, cfg.Dial = station, station.dial
			n, err := Open(context.Background(), cfg)
			if err != nil {
				t.Fatalf("start %s at a new address: %v", name, err)
			}
			c.nodes[name] = n
			started = append(started, n)
		}
		for _, n := range started {
			c.awaitReady(n)
		}
		c.expect("k", "v", "a", "b", "c")
		for _, p := range c.nodes["c"].Ring().Peers {
			if want := map[string]string{"a": "a:2", "b": "b:2", "c": "c:1"}[p.Name]; p.Address != want {
				t.Errorf("address of %s: got %s, want %s", p.Name, p.Address, want)
			}
		}
	})
}

func TestAllNodesMayRestartAtOnce(t *testing.T) {
	names := numbered("n", 3)
	dirs := make(map[string]string)
	for _, name := range names {
		dirs[name] = t.TempDir()
	}
	inBubble(t, func(c *cluster) {
		start := func(name string) {
			cfg := c.config(name)
			cfg.DataDir = dirs[name]
			n, err := Open(context.Background(), cfg)
			if err != nil {
				t.Fatalf("start %s: %v", name, err)
			}
			c.nodes[name] = n
		}
		for _, name := range names {
			start(name)
			c.awaitReady(c.nodes[name])
		}
		c.join("n2", "n1")
		c.join("n3", "n2")
		for _, k := range numbered("k", 20) {
			c.put("n1", k, "v")
		}
		for _, name := range names {
			c.stop(name)
		}
		for _, name := range names {
			start(name)
		}
		for _, name := range names {
			c.awaitReady(c.nodes[name])
		}
		c.peers(names...)
		for _, k := range numbered("k", 20) {
			c.expect(k, "v", names...)
		}
	})
}

func TestAJoinWhoseNodeIsStoppedSaysThatItGoesOn(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, func(c *cluster) {
		disk := func(cfg *Config) { cfg.DataDir = dir }
		c.start("a")
		b := c.start("b", disk)
		c.put("b", "k", "v")
		reached := make(chan struct{})
		var once sync.Once
		c.net.onSend(func(from string) {
			if from == "b:1" && b.stored().Import != nil {
				once.Do(func() { close(reached) })
			}
		})
		joined := make(chan error, 1)
		go func() { _, err := c.tryJoin("b", "a"); joined <- err }()
		<-reached
		c.crash("b")
		err := <-joined
		errIs(t, err, partition.ErrUnknown)
		if errors.Is(err, partition.ErrUnavailable) {
			t.Errorf("error: got %v, which says that nothing took effect", err)
		}
		c.start("b", disk)
		c.awaitDone([]string{"b"})
		c.peers("a", "b")
		c.expect("k", "v", "a", "b")
	})
}

func TestADataDirectoryThatCannotBeGoneOnWithIsRefused(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, func(c *cluster) {
		c.start("a", func(cfg *Config) { cfg.DataDir = dir })
		c.stop("a")
		cfg := c.config("b")
		cfg.DataDir = dir
		_, err := Open(context.Background(), cfg)
		errIs(t, err, ErrOtherName)
		cfg = c.config("b")
		cfg.Name, cfg.Replicas = "b:c", 8
		_, err = Open(context.Background(), cfg)
		errIs(t, err, ErrConfig)
	})
}

func TestANodeRemovedInTheMiddleOfItsImportLosesNothing(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b", "c")
		c.join("b", "a")
		all := numbered("k", 200)
		for _, k := range all {
			c.put("c", k, "v")
		}
		joiner := c.nodes["c"]
		importing := make(chan struct{})
		var heal []func()
		var once sync.Once
		c.net.onSend(func(from string) {
			if from == "c:1" && joiner.stored().Import != nil {
				once.Do(func() {
					heal = []func(){c.net.part("c:1", "a:1"), c.net.part("c:1", "b:1")}
					close(importing)
				})
			}
		})
		joined := make(chan error, 1)
		go func() { _, err := c.tryJoin("c", "a"); joined <- err }()
		<-importing
		c.remove("a", c.nodes["c"].life().record.Node)
		for _, f := range heal {
			f()
		}
		errIs(t, <-joined, partition.ErrUnavailable)
		c.leave("c")
		c.peers("c")
		for _, k := range all {
			c.expect(k, "v", "c")
		}
		if s := c.nodes["c"].stored(); s.Import != nil {
			t.Errorf("still importing: %+v", s.Import)
		}
		c.join("c", "a")
		for _, k := range all {
			c.expect(k, "v", "a", "b", "c")
		}
	})
}

// What the cluster and the node wrote after the node was removed counts when it joins
// again, and not what the first import had brought.
func TestANodeRemovedInTheMiddleOfItsImportBringsWhatItDidSince(t *testing.T) {
	inBubble(t, func(c *cluster) {
		few := func(cfg *Config) { cfg.Replicas = 2 } // so that c has no copy of most partitions
		for _, name := range []string{"a", "b", "d", "c"} {
			c.start(name, few)
		}
		c.join("b", "a")
		c.join("d", "a")
		all := numbered("k", 500)
		for _, k := range all {
			c.put("c", k, "v")
		}
		removeHalfway(c)
		var brought []string
		for _, k := range all {
			if c.get("a", k) == "v" {
				brought = append(brought, k)
			}
		}
		if len(brought) == 0 || len(brought) == len(all) {
			t.Fatalf("%d of %d keys were brought", len(brought), len(all))
		}
		want := make(map[string]string)
		for _, k := range all {
			want[k] = "v"
		}
		for i, k := range brought {
			if i%4 == 0 {
				want[k] = "newer at a"
				c.put("a", k, want[k])
			}
		}
		time.Sleep(time.Second)
		c.leave("c")
		time.Sleep(time.Second)
		for i, k := range brought {
			switch i % 4 {
			case 1:
				want[k] = "-"
				c.del("c", k)
			case 2:
				want[k] = "newer at c"
				c.put("c", k, want[k])
			}
		}
		c.join("c", "a")
		for k, v := range want {
			c.expect(k, v, "a", "c")
		}
	})
}

// removeHalfway has c join a, b and d, which lose it when they have a part of what it
// brings, and drop it. It can reach them again in the end.
func removeHalfway(c *cluster) {
	c.t.Helper()
	joiner := c.nodes["c"]
	var once sync.Once
	cut := make(chan []func(), 1)
	c.net.onSend(func(string) {
		if im := joiner.imports.Load(); im != nil && im.progress().Imported > 0 {
			once.Do(func() { cut <- []func(){c.net.part("c:1", "a:1"), c.net.part("c:1", "b:1"), c.net.part("c:1", "d:1")} })
		}
	})
	joined := make(chan error, 1)
	go func() { _, err := c.tryJoin("c", "a"); joined <- err }()
	heal := <-cut
	c.remove("a", joiner.life().record.Node)
	for _, f := range heal {
		f()
	}
	errIs(c.t, <-joined, partition.ErrUnavailable)
}

// remove has a node propose the removal of a peer until its map has it no more.
func (c *cluster) remove(by string, peer partition.NodeID) {
	c.t.Helper()
	c.eventually(time.Minute, "rid of the peer", func() error {
		ctx, cancel := timeout(time.Second)
		defer cancel()
		c.nodes[by].life().raft.Load().RemovePeer(ctx, peer)
		if _, there := c.nodes[by].Ring().Peer(peer); there {
			return errors.New("it is still a peer")
		}
		return nil
	})
}
