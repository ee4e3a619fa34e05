package linearizability_test

import (
	"slices"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// drainWithin is how long a node on its way out may take to say so.
const drainWithin = 10 * time.Second

func TestARollingRestartFailsNoRequest(t *testing.T) {
	t.Parallel()
	seed := harness.Seed(t)
	nodes := harness.DurableCluster(t, nodeCount)
	m, h := newMembers(nodes, nil), newHistory()
	stop := traffic(seed, m, h)
	defer stop()
	for range nodes {
		awaitTraffic(t, h)
		m.restart(t)
	}
	awaitTraffic(t, h)
	stop()
	judge(t, m, h)
}

// restart stops the member that was restarted longest ago and starts it again,
// while the clients do as behind a load balancer: they ask nodes that are ready.
func (m *members) restart(t *testing.T) {
	t.Helper()
	n := m.all[0]
	begun := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- n.Stop() }()
	harness.Await(t, drainWithin, n.Name+" says that it stops", func() error {
		if n.CheckReady() == nil {
			return harness.ErrReady
		}
		return nil
	})
	m.mu.Lock() // after the requests to it that are under way
	m.all = slices.Delete(m.all, 0, 1)
	m.mu.Unlock()
	must(t, <-stopped)
	took := time.Since(begun)

	n.Restart()
	harness.Await(t, quietWithin, n.Name+" has caught up", n.CheckReady)
	t.Logf("%s stopped in %v, was back in %v", n.Name, took.Round(time.Millisecond), (time.Since(begun) - took).Round(time.Millisecond))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, &member{Node: n.Node})
}
