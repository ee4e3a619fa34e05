package fsm

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
)

// cluster is a number of nodes in one process.
type cluster struct {
	t    *testing.T
	net  *testNet
	cfgs map[partition.NodeID]Config
	up   map[partition.NodeID]*Raft
}

var testSettings = partition.Settings{Partitions: 64, Replicas: 3, Hash: "xxhash64"}

func newCluster(t *testing.T) *cluster {
	c := &cluster{t: t, net: newTestNet(), cfgs: make(map[partition.NodeID]Config), up: make(map[partition.NodeID]*Raft)}
	t.Cleanup(func() {
		for id := range c.up {
			c.stop(id)
		}
	})
	return c
}

// start opens a node, found says whether as founder.
func (c *cluster) start(id partition.NodeID, change func(*Config)) *Raft {
	c.t.Helper()
	cfg, ok := c.cfgs[id]
	if !ok {
		cfg = Config{
			Cluster: 7, Self: id, Name: fmt.Sprintf("n%d", id), Address: fmt.Sprintf("host%d:1", id),
			Caller: testCaller{c.net, id},
			Fatal:  func(err error) { c.t.Errorf("node %v: fatal: %v", id, err) },
			Logger: slog.New(slog.NewTextHandler(c.t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})).With("node", id),
		}
	}
	cfg.Incarnation++
	cfg.Streams = c.net.listen(id)
	if change != nil {
		change(&cfg)
	}
	c.cfgs[id] = cfg
	r, err := Open(cfg)
	if err != nil {
		c.t.Fatalf("open node %v: %v", id, err)
	}
	c.up[id] = r
	c.net.mu.Lock()
	c.net.calls[id] = r
	c.net.mu.Unlock()
	return r
}

func founder(cfg *Config) { cfg.Founder = &testSettings }

// stop closes a node.
func (c *cluster) stop(id partition.NodeID) {
	c.net.mu.Lock()
	delete(c.net.calls, id)
	delete(c.net.nodes, id)
	c.net.mu.Unlock()
	if err := c.up[id].Close(); err != nil {
		c.t.Errorf("close node %v: %v", id, err)
	}
	delete(c.up, id)
}

// within fails the test unless ok holds before long.
func (c *cluster) within(d time.Duration, what string, ok func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(d); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			for id, r := range c.up {
				c.t.Logf("%v: %+v map %+v", id, r.Status(), r.Map().Peers)
			}
			c.t.Fatalf("not within %v: %s", d, what)
		}
	}
}

func (c *cluster) ctx(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	c.t.Cleanup(cancel)
	return ctx
}

// join adds node id, through the member.
func (c *cluster) join(member *Raft, id partition.NodeID) *Raft {
	c.t.Helper()
	r := c.start(id, nil)
	j := Joiner{ID: id, Name: c.cfgs[id].Name, Address: c.cfgs[id].Address, JoinID: uint64(id) + 1000}
	if err := member.AddPeer(c.ctx(20*time.Second), j); err != nil {
		c.t.Fatalf("add node %v: %v", id, err)
	}
	if err := r.Up(c.ctx(20 * time.Second)); err != nil {
		c.t.Fatalf("node %v up: %v", id, err)
	}
	return r
}

func (c *cluster) leader() *Raft {
	for _, r := range c.up {
		if r.Status().State == "leader" {
			return r
		}
	}
	return nil
}

func TestAFounderLeadsWithinMilliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		began := time.Now()
		r := c.start(1, founder)
		if err := r.Up(c.ctx(time.Second)); err != nil {
			t.Fatal(err)
		}
		t.Logf("founded after %v: %+v", time.Since(began), r.Status())
		began = time.Now()
		r2 := c.join(r, 2)
		t.Logf("joined after %v: %+v", time.Since(began), r2.Status())
		began = time.Now()
		r3 := c.join(r2, 3)
		t.Logf("joined after %v: %+v", time.Since(began), r3.Status())
		c.within(5*time.Second, "three voters", func() bool { return len(r.Status().Voters) == 3 })
		t.Logf("three voters after %v: %+v", time.Since(began), r3.Status())
	})
}
