package durability_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// killWithin bounds the random moment of a kill after a join or leave began.
const killWithin = 600 * time.Millisecond

// TestKillDuringAJoinLeavesItDoneOrUndone: afterwards the joiner is a member, or
// stands alone with everything it had, and a second attempt works.
func TestKillDuringAJoinLeavesItDoneOrUndone(t *testing.T) {
	t.Parallel()
	rng := harness.Rand(harness.Seed(t), 0)
	nodes := harness.DurableCluster(t, 2)
	pairs := harness.Numbered("key", 200)
	harness.Load(t, pairs, nodes...)
	for round := range 4 {
		joiner := harness.StartDurable(t, fmt.Sprintf("joiner%d", round))
		mine := harness.Numbered("key-of-"+joiner.Name, 200)
		harness.Load(t, mine, joiner)
		victims := [][]*harness.Node{{joiner}, {nodes[0]}, append(slices.Clone(nodes), joiner)}[rng.IntN(3)]
		after := time.Duration(rng.Int64N(int64(killWithin)))
		killDuring(t, victims, after, func() error { return joiner.Client.Join(nodes[0].Contact()) })

		all := append(slices.Clone(nodes), joiner)
		inside := awaitMembership(t, joiner, nodes)
		t.Logf("round %d: %s is inside afterwards: %t", round, joiner.Name, inside)
		harness.VerifyValues(t, mine, joiner)
		harness.VerifyValues(t, pairs, nodes...)
		if !inside {
			must(t, joiner.Join(nodes[0].Contact()))
		}
		pairs = pairs.Union(mine)
		harness.AwaitSettled(t, all)
		harness.CheckPeers(t, all)
		harness.Verify(t, pairs, all...)
		nodes = all
	}
}

// TestKillDuringALeaveLeavesItDoneOrUndone: afterwards the leaver stands alone or
// is a member still, the cluster has every key, and a second attempt works.
func TestKillDuringALeaveLeavesItDoneOrUndone(t *testing.T) {
	t.Parallel()
	rng := harness.Rand(harness.Seed(t), 0)
	nodes := harness.DurableCluster(t, 5)
	pairs := harness.Numbered("key", 300)
	harness.Load(t, pairs, nodes...)
	for round := range 3 {
		at := rng.IntN(len(nodes))
		leaver := nodes[at]
		rest := slices.Delete(slices.Clone(nodes), at, at+1)
		victims := [][]*harness.Node{{leaver}, {rest[0]}, nodes}[rng.IntN(3)]
		after := time.Duration(rng.Int64N(int64(killWithin)))
		t.Logf("round %d: %s leaves", round, leaver.Name)
		killDuring(t, victims, after, leaver.Client.Leave)

		inside := awaitMembership(t, leaver, rest)
		t.Logf("round %d: %s is inside afterwards: %t", round, leaver.Name, inside)
		harness.VerifyValues(t, pairs, rest...)
		if inside {
			must(t, leaver.Leave())
		}
		harness.AwaitSettled(t, rest)
		harness.CheckPeers(t, rest)
		harness.Verify(t, pairs, rest...)
		harness.CheckPeers(t, []*harness.Node{leaver})
		nodes = rest
	}
}

// killDuring begins the request, kills the victims after a while, waits for the
// request's end, whatever it is, and starts the victims again.
func killDuring(t *testing.T, victims []*harness.Node, after time.Duration, request func() error) {
	t.Helper()
	t.Logf("%v to be killed %v after the request", harness.Names(victims), after)
	done := make(chan error, 1)
	go func() { done <- request() }()
	<-time.After(after)
	for _, n := range victims {
		n.Kill()
	}
	for _, n := range victims {
		n.Launch(n.Port)
	}
	for _, n := range victims {
		n.AwaitReady()
	}
	t.Logf("request that was cut: %v", <-done)
}

// awaitMembership waits until node is a settled peer of others, or alone while
// they are settled without it, and says which. What a crash has cut may be
// resumed after that: it is to be asked for again, and then ends as asked.
func awaitMembership(t *testing.T, n *harness.Node, others []*harness.Node) (inside bool) {
	t.Helper()
	harness.Await(t, 60*time.Second, n.Name+" is inside or outside", func() error {
		mine, err := n.Peers()
		if err != nil {
			return err
		}
		if inside = len(mine) > 1; inside {
			return harness.Settled(append(slices.Clone(others), n))
		}
		return harness.Settled(others)
	})
	return inside
}
