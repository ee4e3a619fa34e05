package linearizability_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

const (
	clientCount = 8
	changes     = 20 // joins and leaves, as many of each
	nodeCount   = 5
	fewest      = 2 // members at any time

	between     = 1000 // operations from one change to the next
	quietWithin = 40 * time.Second
)

func TestRegistersAreLinearizableDuringTenJoinsAndTenLeaves(t *testing.T) {
	t.Parallel()
	seed := harness.Seed(t)
	nodes := harness.StartAll(t, nodeCount)
	for _, n := range nodes[1:3] {
		must(t, n.Join(nodes[0].Contact()))
	}
	m, h := newMembers(nodes[:3], nodes[3:]), newHistory()
	stop := traffic(seed, m, h)
	defer stop()
	change(t, seed, m, h)
	stop()

	judge(t, m, h)
}

// judge checks that the members agree in the end, that no request has failed, and
// what the clients saw.
func judge(t *testing.T, m *members, h *history) {
	t.Helper()
	t.Logf("%d operations on %d keys in %v, the longest %v", h.size(), keyCount,
		h.Now().Round(time.Millisecond), h.Longest().Round(time.Millisecond))
	harness.AwaitSettled(t, m.nodes())
	harness.CheckPeers(t, m.nodes())
	for i, fault := range h.faults {
		if i == 10 {
			break
		}
		t.Errorf("request failed, %d of %d: %s", i+1, len(h.faults), fault)
	}
	faults, err := h.Check(func() string { return harness.Dir(t, "history") })
	must(t, err)
	for _, fault := range faults {
		t.Error(fault)
	}
}

// traffic starts the clients and returns what stops and waits for them, once.
func traffic(seed uint64, m *members, h *history) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for id := range clientCount {
		c := &client{id: id, rng: harness.Rand(seed, uint64(id)+1), members: m, history: h}
		running.Go(func() { c.run(ctx) })
	}
	return sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
}

// awaitTraffic waits until the clients have done enough since now.
func awaitTraffic(t *testing.T, h *history) {
	t.Helper()
	before := h.size()
	harness.Await(t, quietWithin, "clients go on", func() error {
		if n := h.size() - before; n < between {
			return fmt.Errorf("%d operations in that time", n)
		}
		return nil
	})
}

// change makes half of the changes joins and half of them leaves, in random
// order as far as there are nodes for it, with traffic before each.
func change(t *testing.T, seed uint64, m *members, h *history) {
	t.Helper()
	rng := harness.Rand(seed, 0)
	joins, leaves := changes/2, changes/2
	for joins+leaves > 0 {
		awaitTraffic(t, h)
		mayJoin := joins > 0 && len(m.out) > 0
		mayLeave := leaves > 0 && len(m.all) > fewest
		if mayJoin && (!mayLeave || rng.IntN(2) == 0) {
			m.join(t, rng)
			joins--
		} else {
			m.leave(t, rng)
			leaves--
		}
	}
}
