package node

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

var (
	seedFlag = flag.Uint64("seed", 0, "of the random tests; 0: a new one each time")
	simFlag  = flag.Duration("sim", time.Hour, "simulated time of the long random test")
)

// seed returns what a random test goes by, and has it printed.
func seed(t *testing.T) uint64 {
	s := *seedFlag
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	return s
}

func TestNoRequestFailsWhileNodesJoinAndLeave(t *testing.T) {
	s := seed(t)
	inBubble(t, func(c *cluster) {
		names := numbered("n", 5)
		c.startAll(names...)
		c.join("n2", "n1")
		c.join("n3", "n1")
		w := startWorkload(c, s, "n1", "n2", "n3")
		for _, change := range []struct {
			name  string
			joins bool
		}{
			{"n4", true}, {"n1", false}, {"n5", true}, {"n1", true}, {"n2", false},
			{"n3", false}, {"n2", true}, {"n3", true}, {"n4", false}, {"n4", true},
		} {
			members := c.members(w.main)
			w.use(append(members, change.name))
			if change.joins {
				c.join(change.name, members...)
			} else {
				c.leave(change.name)
			}
			w.use(c.members(w.main))
			time.Sleep(5 * time.Second)
		}
		w.end()
		for _, err := range w.failed {
			t.Errorf("failed: %v", err)
		}
		c.peers(names...)
	})
}

// latency is off by default.
var latency = flag.Duration("latency", 0, "the longest that a write to a connection takes in the hour of churn")

func TestAnHourOfJoinsLeavesAndLosses(t *testing.T) {
	s := seed(t)
	inBubble(t, func(c *cluster) {
		names := numbered("n", 6)
		c.startAll(names...)
		for _, name := range names[1:4] {
			c.join(name, "n1")
		}
		c.net.slow(*latency)
		w := startWorkload(c, s, names[:4]...)
		faults := startFaults(c, s, w.main)
		h := &churn{c: c, w: w, r: rand.New(rand.NewPCG(s, 100)), own: make(map[string]string)}
		length := *simFlag
		if testing.Short() {
			length = min(length, 10*time.Minute)
		}
		for end := time.Now().Add(length); time.Now().Before(end); {
			time.Sleep(time.Duration(10+h.r.IntN(40)) * time.Second)
			h.change()
		}
		t.Logf("%d joins, %d leaves, %d killed, %d refused, ring version %d; %v", h.joins, h.leaves, h.kills, h.refused, c.nodes[c.members(w.main)[0]].Ring().Version, faults)
		faults.end()
		w.end()
		c.awaitOneMap(c.members(w.main))
		for key, value := range h.own {
			c.expect(key, value, c.members(w.main)...)
		}
	})
}

// members lists the nodes that are in a cluster, sorted.
func (c *cluster) members(id partition.ClusterID) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for name, n := range c.nodes {
		if n.life().record.Cluster == id {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// awaitOneMap waits until the nodes go by the same settled map, and are its peers.
func (c *cluster) awaitOneMap(names []string) {
	c.t.Helper()
	c.eventually(5*time.Minute, "settled", func() error {
		version := c.nodes[names[0]].Ring().Version
		for _, name := range names {
			m := c.nodes[name].Ring()
			if m.Version != version || !m.Settled() || len(m.Peers) != len(names) {
				return fmt.Errorf("%s at version %d, settled %v, peers %v", name, m.Version, m.Settled(), c.nodes[name].Peers())
			}
		}
		return nil
	})
}

// churn has one node after the other join or leave.
type churn struct {
	c *cluster
	w *workload
	r *rand.Rand

	joins, leaves, kills, refused int
	own                           map[string]string // what standalone nodes wrote and brought along
}

// minMembers stay in the cluster.
const minMembers = 3

// change has a random node join, if it is alone, or leave.
func (h *churn) change() {
	members := h.c.members(h.w.main)
	name := fmt.Sprintf("n%d", 1+h.r.IntN(len(h.c.nodes)))
	alone := !slices.Contains(members, name)
	if !alone && len(members) <= minMembers {
		return
	}
	h.w.use(append(slices.Clone(members), name))
	var err error
	switch {
	case alone:
		err = h.join(name, members)
	case h.r.IntN(3) == 0 && h.settled(members):
		err = h.kill(name, members)
	default:
		err = h.leave(name)
	}
	switch {
	case err == nil:
	case errors.Is(err, httpapi.ErrConflict), errors.Is(err, partition.ErrUnavailable), errors.Is(err, partition.ErrUnknown):
		h.refused++
	default:
		h.c.t.Errorf("%s: %v", name, err)
	}
	h.w.use(h.c.members(h.w.main))
}

func (h *churn) join(name string, members []string) error {
	key := fmt.Sprintf("own-%s-%d", name, h.joins)
	stored := carryOut(h.c.nodes[name], step{kind: put, key: key, value: key}).err == nil
	// And into registers of the cluster, where they may take effect with the join.
	n := h.c.nodes[name]
	h.w.one(workClients, n, step{kind: put, key: h.w.key(h.r), value: key})
	h.w.one(workClients, n, step{kind: del, key: h.w.key(h.r)})
	h.r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	_, err := h.c.tryJoin(name, members...)
	if err == nil {
		h.joins++
		if stored {
			h.own[key] = key
		}
	}
	return err
}

// settled reports whether every partition has all its copies, so that one may die.
func (h *churn) settled(members []string) bool {
	for _, name := range members {
		if m := h.c.nodes[name].Ring(); !m.Settled() || len(m.Peers) != len(members) {
			return false
		}
	}
	return true
}

// kill ends a node with everything that it has in its memory, and starts another
// one, some time later, that takes its name and its place.
func (h *churn) kill(name string, members []string) error {
	h.kills++
	h.c.crash(name)
	time.Sleep(time.Duration(h.r.IntN(60)) * time.Second)
	h.c.start(name)
	return h.join(name, slices.DeleteFunc(members, func(m string) bool { return m == name }))
}

func (h *churn) leave(name string) error {
	ctx, cancel := timeout(10 * time.Minute)
	defer cancel()
	err := h.c.nodes[name].Leave(ctx)
	if err == nil {
		h.leaves++
	}
	return err
}
