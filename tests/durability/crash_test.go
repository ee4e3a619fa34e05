package durability_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"pipelinedht/tests/harness"
)

func TestKillOfAllNodesAtOnceLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	rng := harness.Rand(harness.Seed(t), 0)
	nodes := harness.DurableCluster(t, 4)
	pairs := harness.Numbered("key", 300)
	harness.Load(t, pairs, nodes...)
	before := harness.AwaitSettled(t, nodes)
	for round := range 2 {
		w := startWriters(nodes, round)
		w.awaitAcknowledged(t, 200)
		killAll(nodes, rng)
		w.stop()
		restartAll(t, nodes, rng)

		after := harness.AwaitSettled(t, nodes)
		expectSameRoles(t, before, after)
		harness.CheckPeers(t, nodes)
		harness.VerifyValues(t, pairs, nodes...)
		pairs = pairs.Union(w.verify(t, nodes))
		harness.Verify(t, pairs, nodes...)
	}
}

func TestStopOfAllNodesAtOnceLosesNothing(t *testing.T) {
	t.Parallel()
	rng := harness.Rand(harness.Seed(t), 0)
	nodes := harness.DurableCluster(t, 3)
	pairs := harness.Numbered("key", 100)
	harness.Load(t, pairs, nodes...)
	before := harness.AwaitSettled(t, nodes)
	must(t, harness.Together(nodes, (*harness.Node).Stop))
	restartAll(t, nodes, rng)
	expectSameRoles(t, before, harness.AwaitSettled(t, nodes))
	harness.CheckPeers(t, nodes)
	harness.Verify(t, pairs, nodes...)
}

func TestLonelyNodeComesBackFromKillsWithAllItsKeys(t *testing.T) {
	t.Parallel()
	n := harness.StartDurable(t, "peer1")
	pairs := make(harness.Pairs)
	for round := range 4 {
		w := startWriters([]*harness.Node{n}, round)
		w.awaitAcknowledged(t, 50)
		n.Kill()
		w.stop()
		n.Restart()
		t.Logf("ready %v after a kill", n.ReadyIn)
		pairs = pairs.Union(w.verify(t, []*harness.Node{n}))
		harness.Verify(t, pairs, n)
	}
}

func TestLeaverStaysOutAfterAKill(t *testing.T) {
	t.Parallel()
	nodes := harness.DurableCluster(t, 3)
	pairs := harness.Numbered("key", 150)
	harness.Load(t, pairs, nodes...)
	leaver, rest := nodes[2], nodes[:2]
	must(t, leaver.Leave())
	kept, err := leaver.Keys()
	must(t, err)
	killAll(nodes, rand.New(rand.NewPCG(1, 1)))
	restartAll(t, nodes, rand.New(rand.NewPCG(1, 1)))
	harness.AwaitSettled(t, rest)
	harness.CheckPeers(t, rest)
	harness.Verify(t, pairs, rest...)
	harness.CheckPeers(t, nodes[2:])
	harness.VerifyListed(t, kept, leaver)
	must(t, leaver.Join(rest[0].Contact()))
	harness.CheckPeers(t, nodes)
	harness.Verify(t, pairs, nodes...)
}

func TestNodeWithoutADataDirectoryForgetsEverything(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	harness.Load(t, harness.Numbered("key", 10), n)
	n.Kill()
	n.Restart()
	harness.VerifyListed(t, nil, n)
}

// expectSameRoles fails the test unless both rings are of one cluster and have
// the same copies in the same roles.
func expectSameRoles(t *testing.T, before, after *harness.Ring) {
	t.Helper()
	if before.Cluster != after.Cluster || after.Version < before.Version {
		t.Errorf("ring: got version %d of cluster %s, want at least %d of %s",
			after.Version, after.Cluster, before.Version, before.Cluster)
	}
	for p := range before.Table {
		if got, want := after.Table[p], before.Table[p]; !reflect.DeepEqual(got, want) {
			t.Fatalf("partition %d: got %+v, want the roles as before, %+v", p, got, want)
		}
	}
}

// killAll kills all nodes, in random order, without waiting between them.
func killAll(nodes []*harness.Node, rng *rand.Rand) {
	for _, i := range rng.Perm(len(nodes)) {
		nodes[i].Kill()
	}
}

// restartAll starts all nodes in random order and waits until all are ready.
func restartAll(t *testing.T, nodes []*harness.Node, rng *rand.Rand) {
	t.Helper()
	for _, i := range rng.Perm(len(nodes)) {
		nodes[i].Launch(nodes[i].Port)
	}
	for _, n := range nodes {
		n.AwaitReady()
	}
}
