package contract_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// selected returns the pairs of those keys.
func selected(pairs harness.Pairs, keys []string) harness.Pairs {
	some := make(harness.Pairs, len(keys))
	for _, key := range keys {
		some[key] = pairs[key]
	}
	return some
}

func TestLeaverKeepsWhatItListedAndTheRestHaveEverything(t *testing.T) {
	t.Parallel()
	nodes := harness.Cluster(t, 4)
	pairs := harness.Numbered("key", 500)
	harness.Load(t, pairs, nodes...)
	// The last is no leader, the first is likely to be: both must be able to go.
	for _, leaver := range []*harness.Node{nodes[3], nodes[0]} {
		t.Run(leaver.Name, func(t *testing.T) {
			listed, err := leaver.Keys()
			must(t, err)
			if len(listed) == 0 || len(listed) == len(pairs) {
				t.Fatalf("%s lists %d of %d keys before it leaves", leaver.Name, len(listed), len(pairs))
			}
			begun := time.Now()
			must(t, leaver.Leave())
			t.Logf("%s left in %v", leaver.Name, time.Since(begun).Round(time.Millisecond))

			nodes = without(nodes, leaver)
			harness.CheckPeers(t, nodes)
			harness.Verify(t, pairs, nodes...)
			harness.AwaitSettled(t, nodes)
			harness.CheckPeers(t, []*harness.Node{leaver})
			harness.Verify(t, selected(pairs, listed), leaver)
			gone := slices.DeleteFunc(pairs.Keys(), func(key string) bool { return slices.Contains(listed, key) })
			harness.VerifyMissing(t, gone, leaver)
		})
	}
}

// TestRejoinBringsBackNothingThatWasChangedMeanwhile: the cluster and the leaver
// both go on writing; afterwards the cluster has what was written last.
func TestRejoinBringsBackNothingThatWasChangedMeanwhile(t *testing.T) {
	t.Parallel()
	nodes := harness.Cluster(t, 3)
	pairs := harness.Numbered("key", 500)
	harness.Load(t, pairs, nodes...)
	leaver, rest := nodes[2], nodes[:2]
	for round := range 2 {
		must(t, leaver.Leave())
		kept, err := leaver.Keys()
		must(t, err)
		if len(kept) < 60 {
			t.Fatalf("round %d: %s kept %d keys, too few for this test", round, leaver.Name, len(kept))
		}
		var gone []string
		for i, key := range kept[:60] {
			switch i % 6 {
			case 0: // overwritten in the cluster
				pairs[key] = fmt.Sprintf("the cluster's, round %d", round)
				must(t, rest[i%2].Put(key, pairs[key]))
			case 1: // deleted in the cluster
				must(t, rest[i%2].Delete(key))
				gone = append(gone, key)
			case 2: // overwritten by the leaver
				pairs[key] = fmt.Sprintf("the leaver's, round %d", round)
				must(t, leaver.Put(key, pairs[key]))
			case 3: // deleted by the leaver
				must(t, leaver.Delete(key))
				gone = append(gone, key)
			case 4: // deleted by the leaver, then written again in the cluster
				must(t, leaver.Delete(key))
				pairs[key] = fmt.Sprintf("again, round %d", round)
				must(t, rest[i%2].Put(key, pairs[key]))
			case 5: // merely kept
			}
		}
		key := fmt.Sprintf("new at the leaver, round %d", round)
		pairs[key] = "new"
		must(t, leaver.Put(key, "new"))
		for _, key := range gone {
			delete(pairs, key)
		}

		must(t, leaver.Join(rest[0].Contact()))
		harness.CheckPeers(t, nodes)
		harness.Verify(t, pairs, nodes...)
		harness.VerifyMissing(t, gone, nodes...)
	}
}

func TestKeptKeysComeAlongIntoAnotherCluster(t *testing.T) {
	t.Parallel()
	nodes := harness.StartAll(t, 3)
	must(t, nodes[1].Join(nodes[0].Contact()))
	pairs := harness.Numbered("key", 200)
	harness.Load(t, pairs, nodes[:2]...)
	must(t, nodes[1].Leave())
	kept, err := nodes[1].Keys()
	must(t, err)
	must(t, nodes[1].Join(nodes[2].Contact()))
	harness.Verify(t, selected(pairs, kept), nodes[1:]...)
	harness.Verify(t, pairs, nodes[0])
}

func TestAllNodesButOneLeaveAndItHasEverything(t *testing.T) {
	t.Parallel()
	nodes := harness.Cluster(t, 5)
	pairs := harness.Numbered("key", 500)
	harness.Load(t, pairs, nodes...)
	rng := harness.Rand(harness.Seed(t), 0)
	for len(nodes) > 1 {
		leaver := nodes[rng.IntN(len(nodes))]
		begun := time.Now()
		_, err := leaver.Do("GET", "/dht/leave", nil)
		must(t, err)
		t.Logf("%s left %d nodes in %v", leaver.Name, len(nodes)-1, time.Since(begun).Round(time.Millisecond))
		nodes = without(nodes, leaver)
		harness.CheckPeers(t, nodes)
		harness.Verify(t, pairs, nodes...)
		harness.CheckPeers(t, []*harness.Node{leaver})
	}
}

func TestTwoOfFiveLeaveAtTheSameTime(t *testing.T) {
	t.Parallel()
	nodes := harness.Cluster(t, 5)
	pairs := harness.Numbered("key", 200)
	harness.Load(t, pairs, nodes...)
	must(t, harness.Together(nodes[3:], func(n *harness.Node) error { return n.Leave() }))
	harness.CheckPeers(t, nodes[:3])
	harness.Verify(t, pairs, nodes[:3]...)
}
