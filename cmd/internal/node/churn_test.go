package node

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

var (
	seedFlag    = flag.Uint64("seed", 0, "of the random tests; 0: a new one each time")
	simFlag     = flag.Duration("sim", 30*time.Minute, "simulated time of the long random test")
	pauseFlag   = flag.Duration("pause", 400*time.Millisecond, "the longest pause between two operations of a client in the long random test")
	latencyFlag = flag.Duration("latency", time.Millisecond, "the longest that bytes are on their way in the long random test")
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
		w := startWorkload(c, s, workPause, "n1", "n2", "n3")
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

func TestJoinsLeavesAndFaultsAtRandom(t *testing.T) {
	s := seed(t)
	dir := t.TempDir()
	inBubble(t, func(c *cluster) {
		c.skew = 0.05
		names := numbered("n", 7)
		crew := startCrew(c, dir, names[:4]...)
		c.startAll(names[4:]...)
		for _, name := range names[1:5] {
			c.join(name, "n1")
		}
		c.net.slow(*latencyFlag)
		w := startWorkload(c, s, *pauseFlag, names[:5]...)
		f := startFaults(c, s, w.main, crew)
		h := &churn{c: c, w: w, f: f, names: names, r: rand.New(rand.NewPCG(s, 100)), own: make(map[string]string)}
		length := *simFlag
		if testing.Short() {
			length = min(length, 10*time.Minute)
		}
		begun := time.Now()
		for said := time.Hour; time.Since(begun) < length; {
			time.Sleep(time.Duration(10+h.r.IntN(40)) * time.Second)
			h.turn()
			if h.row > maxRefusals {
				t.Fatalf("%d joins and leaves in a row refused, after %v; %v; %v", h.row, time.Since(begun), h, h.refused[len(h.refused)-1])
			}
			if time.Since(begun) >= said {
				t.Logf("%v: %v; %v", said, h, f)
				said += time.Hour
			}
		}
		f.end()
		h.bringBack()
		t.Logf("%v; %v", h, f)
		c.awaitDone(names)
		w.end()
		members := c.members(w.main)
		c.awaitOneMap(members)
		for key, value := range h.own {
			c.expect(key, value, members...)
		}
		w.expectOnce(members...)
		m := c.node(members[0]).Ring()
		if lost := begunAnew(&partition.Map{}, m); lost > 0 {
			t.Errorf("%d partitions were given up, and nobody has said so", lost)
		}
		t.Logf("ring version %d", m.Version)
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
		first := c.node(names[0]).Ring()
		for _, name := range names {
			n := c.node(name)
			m := n.Ring()
			if m == nil || m.Version != first.Version || !m.Settled() || len(m.Peers) != len(names) {
				return fmt.Errorf("%s goes by map %v, not settled with %v", name, m, names)
			}
		}
		return nil
	})
}

// awaitDone waits until no node has a change of membership to go on with.
func (c *cluster) awaitDone(names []string) {
	c.t.Helper()
	for _, name := range names {
		c.eventually(10*time.Minute, "done with joins and leaves", func() error {
			if s := c.node(name).stored(); s.Join != nil || s.Import != nil || s.Leave != nil {
				return fmt.Errorf("%s has not: %+v", name, s)
			}
			return nil
		})
	}
}

// churn has nodes join and leave, one or some at once.
type churn struct {
	c     *cluster
	w     *workload
	f     *faults
	names []string
	r     *rand.Rand

	mu                   sync.Mutex
	joins, leaves, kills int
	refused              []error
	row                  int               // of refusals, without a change in between
	own                  map[string]string // what standalone nodes wrote and brought along
}

func (h *churn) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return fmt.Sprintf("%d joins, %d leaves, %d lost, %d refused", h.joins, h.leaves, h.kills, len(h.refused))
}

const (
	minMembers  = 3  // stay in the cluster
	maxRefusals = 20 // in a row, before the cluster counts as stuck
)

// turn has some nodes that run join, if they are alone, or leave, all at once; or
// one that has no disk lose everything.
func (h *churn) turn() {
	members := h.c.members(h.w.main)
	using := slices.Clone(members)
	spare := len(members) - minMembers
	var wg sync.WaitGroup
	for _, i := range h.r.Perm(len(h.names))[:1+h.r.IntN(3)] {
		name := h.names[i]
		n, alone := h.c.node(name), !slices.Contains(members, name)
		if n == nil || !alone && spare <= 0 {
			continue
		}
		using = append(using, name)
		if alone {
			targets, keys := h.shuffled(members), []string{h.w.key(h.r), h.w.key(h.r)}
			wg.Go(func() { h.note(n, h.join(n, targets, keys)) })
			continue
		}
		spare--
		wg.Go(func() { h.note(n, h.leave(n)) })
	}
	h.w.use(using)
	wg.Wait()
	if h.r.IntN(4) == 0 {
		h.lose()
	}
	h.w.use(h.c.members(h.w.main))
}

func (h *churn) shuffled(names []string) []string {
	names = slices.Clone(names)
	h.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// note takes down what came of a change; whatever came of one at a node that was
// killed is right.
func (h *churn) note(n *Node, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-n.Done():
		return
	default:
	}
	h.row++
	switch {
	case err == nil:
		h.row = 0
	case errors.Is(err, httpapi.ErrConflict), errors.Is(err, partition.ErrUnavailable), errors.Is(err, partition.ErrUnknown):
		h.refused = append(h.refused, err)
	default:
		h.c.t.Errorf("%s: %v", n.cfg.Name, err)
	}
}

// join has n write a key of its own, and into registers of the cluster, where that
// may take effect with the join, and join the first member that answers.
func (h *churn) join(n *Node, members, registers []string) error {
	h.mu.Lock()
	own := fmt.Sprintf("own-%s-%d", n.cfg.Name, h.joins)
	h.mu.Unlock()
	stored := carryOut(n, step{kind: put, key: own, value: own}).err == nil
	h.w.one(workClients, n, step{kind: put, key: registers[0], value: own})
	h.w.one(workClients, n, step{kind: del, key: registers[1]})
	_, err := h.c.tryJoinOf(n, members...)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.joins++
	if stored {
		h.own[own] = own
	}
	return nil
}

func (h *churn) leave(n *Node) error {
	ctx, cancel := timeout(10 * time.Minute)
	defer cancel()
	err := n.Leave(ctx)
	if err == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.leaves++
	}
	return err
}

// lose ends a member that has no disk, and with it everything that it has; another
// one takes its name and its place, some time later. Every partition has all its
// copies then: it must not be the last one that is lost.
func (h *churn) lose() {
	over := h.f.pause()
	h.c.awaitDone(h.names) // with what a crash interrupted
	members := h.c.members(h.w.main)
	i := slices.IndexFunc(members, func(name string) bool { return !slices.Contains(h.f.crew.names, name) })
	if i < 0 || len(members) <= minMembers {
		over()
		return
	}
	victim := members[i]
	if len(h.c.node(victim).Ring().Peers) > len(members) {
		over() // an earlier one is not replaced yet
		return
	}
	h.c.awaitOneMap(members)
	h.c.awaitVoters(members)
	h.c.net.kill(victim + ":1")
	h.c.crash(victim)
	h.kills++
	over()
	time.Sleep(time.Duration(h.r.IntN(60)) * time.Second)
	n := h.c.start(victim)
	h.note(n, h.join(n, h.shuffled(slices.Delete(members, i, i+1)), []string{h.w.key(h.r), h.w.key(h.r)}))
}

// bringBack has the nodes join that still have to take the places of lost ones.
func (h *churn) bringBack() {
	h.c.awaitDone(h.names)
	members := h.c.members(h.w.main)
	h.c.eventually(time.Minute, "there", func() error { return h.c.node(members[0]).Serving() })
	for _, p := range h.c.node(members[0]).Ring().Peers {
		if !slices.Contains(members, p.Name) {
			h.c.join(p.Name, members...)
		}
	}
}
