package durability_test

import (
	"fmt"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

func TestNodeThatStaysAwayIsReplacedByCopiesElsewhere(t *testing.T) {
	t.Parallel()
	nodes := harness.DurableCluster(t, 4, "--replace-after", "4s")
	pairs := harness.Numbered("key", 200)
	harness.Load(t, pairs, nodes...)
	before := harness.AwaitSettled(t, nodes)
	away, rest := nodes[3], nodes[:3]
	away.Kill()
	harness.Await(t, 60*time.Second, "all copies are elsewhere", func() error {
		for _, n := range rest {
			ring, err := n.Ring()
			if err != nil {
				return err
			}
			if c := ring.Copies()[away.Name]; c > 0 {
				return fmt.Errorf("%d copies are with %s still", c, away.Name)
			}
			if err := ring.Unsettled(); err != nil {
				return err
			}
		}
		return nil
	})
	harness.Verify(t, pairs, rest...)
	for i, key := range pairs.Keys() {
		if i%2 == 0 {
			pairs[key] = "while it was away"
			must(t, rest[i%3].Put(key, pairs[key]))
		}
	}
	away.Restart()
	after := harness.AwaitSettled(t, nodes)
	if got, want := after.Copies()[away.Name], before.Copies()[away.Name]; got < want-1 || got > want+1 {
		t.Errorf("copies with %s after its return: %d, want about %d", away.Name, got, want)
	}
	harness.Verify(t, pairs, nodes...)
}
