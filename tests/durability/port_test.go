package durability_test

import (
	"fmt"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

func TestRestartUnderAnotherPortTellsTheClusterTheNewAddress(t *testing.T) {
	t.Parallel()
	nodes := harness.DurableCluster(t, 3)
	pairs := harness.Numbered("key", 100)
	harness.Load(t, pairs, nodes...)
	before := harness.AwaitSettled(t, nodes)
	// One, then a majority at once, then the one that was left.
	for _, movers := range [][]*harness.Node{nodes[:1], nodes[1:], nodes[:1]} {
		for _, n := range movers {
			n.Kill()
		}
		for _, n := range movers {
			n.Launch(harness.FreePort(t))
		}
		for _, n := range movers {
			n.AwaitReady()
		}
		awaitAddresses(t, nodes)
		expectSameRoles(t, before, harness.AwaitSettled(t, nodes))
		harness.CheckPeers(t, nodes)
		harness.Verify(t, pairs, nodes...)
	}
}

func awaitAddresses(t *testing.T, nodes []*harness.Node) {
	t.Helper()
	harness.Await(t, 30*time.Second, "all nodes know all addresses", func() error {
		for _, n := range nodes {
			ring, err := n.Ring()
			if err != nil {
				return err
			}
			known := make(map[string]string)
			for _, p := range ring.Peers {
				known[p.Name] = p.Address
			}
			for _, other := range nodes {
				if known[other.Name] != other.Address() {
					return fmt.Errorf("%s knows %s at %s, it is at %s", n.Name, other.Name, known[other.Name], other.Address())
				}
			}
		}
		return nil
	})
}
