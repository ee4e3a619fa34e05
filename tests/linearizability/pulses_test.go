package linearizability_test

import (
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// noticed is how long a node must have stood still for the others to act on it: they
// take a silence of 1 s for more than a pause, and hear of it four times a second.
const noticed = 700 * time.Millisecond

// TestPausesAboutAsLongAsALeaseFailNoRequest: a node that stands still keeps requests
// waiting. If it was for less than noticed it goes on as what it was.
func TestPausesAboutAsLongAsALeaseFailNoRequest(t *testing.T) {
	for _, c := range []struct {
		pause time.Duration
		count int
	}{
		{500 * time.Millisecond, 12},
		{1200 * time.Millisecond, 6},
	} {
		t.Run(c.pause.String(), func(t *testing.T) {
			t.Parallel()
			seed := harness.Seed(t)
			nodes := harness.Cluster(t, 3)
			before := harness.AwaitSettled(t, nodes)
			m, h := newMembers(nodes, nil), newHistory()
			stop := traffic(seed, m, h)
			defer stop()
			for i := range c.count {
				awaitTraffic(t, h)
				victim := nodes[i%len(nodes)]
				victim.Freeze()
				<-time.After(c.pause)
				victim.Thaw()
			}
			awaitTraffic(t, h)
			stop()
			judge(t, m, h)
			checkQuiet(t, nodes, before)
		})
	}
}

// checkQuiet fails the test if the map has changed though no node stood still for
// long.
func checkQuiet(t *testing.T, nodes []*harness.Node, before *harness.Ring) {
	t.Helper()
	after := harness.AwaitSettled(t, nodes)
	stall, err := harness.LongestStall(nodes)
	must(t, err)
	changes := after.Version - before.Version
	if changes > 0 && stall < noticed {
		t.Errorf("ring version: got %d, want %d as before: no node stood still for more than %v", after.Version, before.Version, stall)
	}
	t.Logf("the longest pause was %v; %d changes of the map", stall, changes)
}
