package contract_test

import (
	"slices"
	"testing"

	"pipelinedht/tests/harness"
)

func TestTwoNodesThatJoinEachOtherEndInOneCluster(t *testing.T) {
	t.Parallel()
	nodes, all := startWithKeys(t, 2)
	contacts := []string{nodes[1].Contact(), nodes[0].Contact()}
	must(t, harness.Together([]int{0, 1}, func(i int) error { return nodes[i].Join(contacts[i]) }))
	harness.AwaitSettled(t, nodes)
	harness.CheckPeers(t, nodes)
	harness.Verify(t, all, nodes...)
}

func TestNodesThatJoinAtTheSameTimeAllGetIn(t *testing.T) {
	t.Parallel()
	nodes, all := startWithKeys(t, 4)
	must(t, harness.Together(nodes[1:], func(n *harness.Node) error { return n.Join(nodes[0].Contact()) }))
	harness.AwaitSettled(t, nodes)
	harness.CheckPeers(t, nodes)
	harness.Verify(t, all, nodes...)
}

// TestNodesThatJoinInARingLoseNoKey: every one asks the next, the last the first,
// all at the same time. Carried out one after another, some of these joins leave
// what an earlier one made: any clusters may come of it, with every key.
func TestNodesThatJoinInARingLoseNoKey(t *testing.T) {
	t.Parallel()
	nodes, all := startWithKeys(t, 3)
	next := append(slices.Clone(nodes[1:]), nodes[0])
	must(t, harness.Together([]int{0, 1, 2}, func(i int) error { return nodes[i].Join(next[i].Contact()) }))
	for _, n := range nodes {
		cluster := clusterOf(t, n, nodes)
		harness.AwaitSettled(t, cluster)
		harness.CheckPeers(t, cluster)
	}
	for key, want := range all {
		if !slices.ContainsFunc(nodes, func(n *harness.Node) bool {
			got, found, err := n.Get(key)
			must(t, err)
			return found && got == want
		}) {
			t.Errorf("%q: on no node", key)
		}
	}
}

// clusterOf returns those of the nodes that one of them lists as its peers.
func clusterOf(t *testing.T, n *harness.Node, nodes []*harness.Node) []*harness.Node {
	t.Helper()
	names, err := n.Peers()
	must(t, err)
	return slices.DeleteFunc(slices.Clone(nodes), func(other *harness.Node) bool { return !slices.Contains(names, other.Name) })
}

// startWithKeys starts so many nodes, each with 50 keys of its own.
func startWithKeys(t *testing.T, count int) ([]*harness.Node, harness.Pairs) {
	t.Helper()
	nodes := harness.StartAll(t, count)
	all := make(harness.Pairs)
	for _, n := range nodes {
		mine := harness.Numbered("key-of-"+n.Name, 50)
		harness.Load(t, mine, n)
		all = all.Union(mine)
	}
	return nodes, all
}

// TestNodeThatLostItsDataTakesItsNameBack: the process dies, its memory with it,
// and it comes back empty, under the same name and address.
func TestNodeThatLostItsDataTakesItsNameBack(t *testing.T) {
	t.Parallel()
	nodes := harness.Cluster(t, 3)
	pairs := harness.Numbered("key", 200)
	harness.Load(t, pairs, nodes...)
	nodes[2].Kill()
	nodes[2].Restart()
	harness.CheckPeers(t, nodes[2:])
	must(t, nodes[2].Join(nodes[0].Contact()))
	harness.AwaitSettled(t, nodes)
	harness.CheckPeers(t, nodes)
	harness.Verify(t, pairs, nodes...)
}
