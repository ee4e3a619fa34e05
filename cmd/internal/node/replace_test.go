package node

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pipelinedht/partition"
)

// peerNamed returns what a node's map says of a peer.
func (c *cluster) peerNamed(by, name string) partition.Peer {
	c.t.Helper()
	p, ok := c.nodes[by].Ring().PeerNamed(name)
	if !ok {
		c.t.Fatalf("%s does not know %s", by, name)
	}
	return p
}

func TestAPeerThatStaysDownIsReplacedAndTakesItsShareWhenItReturns(t *testing.T) {
	const replaceAfter = time.Minute
	inBubble(t, func(c *cluster) {
		names := numbered("n", 4)
		for _, name := range names {
			c.start(name, func(cfg *Config) { cfg.ReplaceAfter = replaceAfter })
		}
		for _, name := range names[1:] {
			c.join(name, "n1")
		}
		all := numbered("k", 60)
		for _, k := range all {
			c.put("n1", k, "old")
		}
		c.awaitOneMap(names)
		rest := names[:3]
		cut := time.Now()
		heal := c.cutOff("n4", rest...)
		c.eventually(replaceAfter+time.Minute, "replaced", func() error {
			if s := c.peerNamed("n1", "n4").State; s != partition.Replaced {
				return fmt.Errorf("n4 is %v", s)
			}
			return nil
		})
		// It is counted from when the leader heard of it last.
		if took := time.Since(cut); took < replaceAfter-time.Second {
			t.Errorf("replaced after %v, want no sooner than %v: no partition was below its minimum", took, replaceAfter)
		}
		c.eventually(time.Minute, "copied elsewhere", func() error {
			for p, row := range c.nodes["n1"].Ring().Table {
				if len(row.InSync) != 3 || !row.Settled() {
					return fmt.Errorf("partition %d: %+v", p, row)
				}
			}
			return nil
		})
		for _, k := range all {
			c.expect(k, "old", rest...)
			c.put("n2", k, "new")
		}
		heal()
		c.eventually(time.Minute, "back", func() error {
			if s := c.peerNamed("n1", "n4").State; s != partition.Active {
				return fmt.Errorf("n4 is %v", s)
			}
			return nil
		})
		c.awaitOneMap(names)
		id := c.peerNamed("n1", "n4").ID
		copies, primaries := 0, 0
		for _, row := range c.nodes["n1"].Ring().Table {
			if slices.Contains(row.InSync, id) {
				copies++
			}
			if row.Primary == id {
				primaries++
			}
		}
		if want := c.partitions * 3 / 4; copies != want || primaries != c.partitions/4 {
			t.Errorf("n4 is back with %d copies, %d primaries; want %d, %d", copies, primaries, want, c.partitions/4)
		}
		for _, k := range all {
			c.expect(k, "new", names...)
		}
	})
}

func TestBelowTheMinimumPeersAreReplacedAtOnce(t *testing.T) {
	inBubble(t, func(c *cluster) {
		names := numbered("n", 5)
		for _, name := range names {
			c.start(name, func(cfg *Config) { cfg.ReplaceAfter = time.Hour })
		}
		for _, name := range names[1:] {
			c.join(name, "n1")
		}
		c.awaitOneMap(names)
		rest := names[:3]
		c.cutOff("n4", rest...)
		c.cutOff("n5", rest...)
		c.eventually(time.Minute, "replaced", func() error {
			for p, row := range c.nodes["n1"].Ring().Table {
				if len(row.InSync) < row.MinInSync || row.MinInSync < 2 || !row.Settled() {
					return fmt.Errorf("partition %d: %+v", p, row)
				}
			}
			return nil
		})
		for _, k := range numbered("k", 60) {
			c.put("n1", k, "v")
			c.expect(k, "v", rest...)
		}
	})
}
