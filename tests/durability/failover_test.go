package durability_test

import (
	"fmt"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// servedWithin is how long a dead node's keys may go unserved; seconds are
// promised, and the machine is shared.
const servedWithin = 20 * time.Second

func TestKilledNodesKeysAreServedAgainAndItCatchesUp(t *testing.T) {
	t.Parallel()
	rng := harness.Rand(harness.Seed(t), 0)
	nodes := harness.DurableCluster(t, 4)
	pairs := harness.Numbered("key", 200)
	harness.Load(t, pairs, nodes...)
	for round := range 2 {
		victim := rng.IntN(len(nodes))
		var rest []*harness.Node
		for i, n := range nodes {
			if i != victim {
				rest = append(rest, n)
			}
		}
		nodes[victim].Kill()
		begun := time.Now()
		for i, key := range pairs.Keys() {
			n := rest[i%len(rest)]
			pairs[key] = fmt.Sprintf("round %d", round)
			harness.Await(t, servedWithin, key+" can be written", func() error { return n.Put(key, pairs[key]) })
		}
		t.Logf("all keys written %v after %s was killed", time.Since(begun).Round(time.Millisecond), nodes[victim].Name)
		harness.Verify(t, pairs, rest...)
		nodes[victim].Restart()
		harness.AwaitSettled(t, nodes)
		harness.Verify(t, pairs, nodes...)
	}
}
