package fsm

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
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

// config returns a node's configuration: the one it had, or a new one.
func (c *cluster) config(id partition.NodeID) Config {
	if cfg, ok := c.cfgs[id]; ok {
		return cfg
	}
	return Config{
		Cluster: 7, Self: id, Name: fmt.Sprintf("n%d", id), Address: fmt.Sprintf("host%d:1", id),
		Caller: testCaller{c.net, id},
		Fatal:  func(err error) { c.t.Errorf("node %v: fatal: %v", id, err) },
		Logger: slog.New(slog.NewTextHandler(c.t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})).With("node", id),
	}
}

// start opens a node; change may alter its configuration first.
func (c *cluster) start(id partition.NodeID, change func(*Config)) *Raft {
	c.t.Helper()
	cfg := c.config(id)
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

// together fails the test unless all running nodes have the same state soon.
func (c *cluster) together() {
	c.t.Helper()
	c.within(10*time.Second, "the same state on all nodes", c.agree)
}

// agree reports whether all running nodes have the same state.
func (c *cluster) agree() bool {
	var states []string
	for _, r := range c.up {
		states = append(states, string(encodeState(r.machine.state.Load())))
	}
	return len(slices.Compact(states)) == 1
}

// settle has every primary bring its partitions to their targets.
func (c *cluster) settle() {
	c.t.Helper()
	c.within(30*time.Second, "settled", func() bool {
		for id, r := range c.up {
			if err := r.ChangeCopies(c.ctx(5*time.Second), wished(r.Map(), id)); err != nil {
				c.t.Fatalf("node %v: %v", id, err)
			}
		}
		leader := c.leader()
		for id, r := range c.up {
			if leader != nil && leader.standing(id).Gone {
				continue // Raft need not tell it of the last change
			}
			for i := range r.Map().Table {
				if !r.Map().Table[i].Settled() {
					return false
				}
			}
		}
		return true
	})
}

// wished returns what a primary would change: first it takes the target in, then
// it hands over or drops what is no target.
func wished(m *partition.Map, by partition.NodeID) (changes []partition.Change) {
	for i, row := range m.Table {
		if row.Primary != by || row.Settled() {
			continue
		}
		ch := partition.Change{Partition: partition.ID(i), Epoch: row.Epoch, Primary: by, InSync: row.InSync}
		for _, id := range row.Target {
			if !slices.Contains(ch.InSync, id) {
				ch.InSync = sorted(append(ch.InSync, id))
			}
		}
		if slices.Equal(ch.InSync, row.InSync) {
			if ch.Primary = row.Target[0]; ch.Primary == by {
				ch.InSync = sorted(row.Target)
			}
		}
		changes = append(changes, ch)
	}
	return changes
}

func (c *cluster) leader() *Raft {
	for _, r := range c.up {
		if r.Status().State == "leader" {
			return r
		}
	}
	return nil
}
