package contract_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

func TestTwoNodesWithDataThatJoinBothServeBothSides(t *testing.T) {
	t.Parallel()
	nodes := harness.StartAll(t, 2)
	all := make(harness.Pairs)
	for _, n := range nodes {
		mine := harness.Numbered("key-of-"+n.Name, 100)
		harness.Load(t, mine, n)
		harness.Verify(t, mine, n)
		all = all.Union(mine)
	}
	must(t, nodes[1].Join(nodes[0].Contact()))
	harness.CheckPeers(t, nodes)
	harness.Verify(t, all, nodes...)
	harness.AwaitSettled(t, nodes)
}

func TestTenNodesJoinOneAfterAnotherAndEveryKeyIsReadOnEachAfterEveryJoin(t *testing.T) {
	t.Parallel()
	const count = 10
	var nodes []*harness.Node
	all := make(harness.Pairs)
	for i := range count {
		n := harness.Start(t, fmt.Sprintf("peer%02d", i+1))
		mine := harness.Numbered("key-of-"+n.Name, 100)
		harness.Load(t, mine, n)
		all = all.Union(mine)
		nodes = append(nodes, n)
		if i > 0 {
			begun := time.Now()
			must(t, n.Join(nodes[i-1].Contact()))
			t.Logf("%s joined %d nodes in %v", n.Name, i, time.Since(begun).Round(time.Millisecond))
		}
		harness.CheckPeers(t, nodes)
		harness.Verify(t, all, nodes...)
	}
	for _, n := range nodes {
		keys, err := n.Keys()
		must(t, err)
		if len(keys) < 60 || len(keys) > 140 {
			t.Errorf("%s lists %d of %d keys, want 60 to 140", n.Name, len(keys), len(all))
		}
	}
	ring := harness.AwaitSettled(t, nodes)
	for what, counts := range map[string]map[string]int{"primaries": ring.Primaries(), "copies": ring.Copies()} {
		if least, most := harness.Spread(counts); most-least > 1 {
			t.Errorf("%s: %d to %d on a node, want a difference of one at most: %v", what, least, most, counts)
		}
	}
}

func TestSameKeyOnBothSidesTheLaterWriteWins(t *testing.T) {
	t.Parallel()
	nodes := harness.StartAll(t, 2)
	must(t, nodes[0].Put("later at the cluster", "old"))
	must(t, nodes[1].Put("later at the cluster", "old"))
	must(t, nodes[0].Put("later at the cluster", "new"))
	must(t, nodes[0].Put("later at the joiner", "old"))
	must(t, nodes[1].Put("later at the joiner", "new"))
	a, err := nodes[1].JoinBody(nodes[0].Contact())
	must(t, err)
	harness.Verify(t, harness.Pairs{"later at the cluster": "new", "later at the joiner": "new"}, nodes...)
	if !slices.ContainsFunc(headerLines(a), func(line string) bool {
		return strings.HasPrefix(line, "Dht-") && strings.HasSuffix(line, ": 1")
	}) {
		t.Errorf("answer to the join: no DHT- header with the number of keys that lost, 1: %q", headerLines(a))
	}
}

func headerLines(a harness.Answer) []string {
	var lines []string
	for name, values := range a.Header {
		lines = append(lines, name+": "+strings.Join(values, ", "))
	}
	return lines
}

func TestJoinListMayBeSeparatedByAnyOfItsSeparators(t *testing.T) {
	t.Parallel()
	nodes := harness.StartAll(t, 4)
	for i, separator := range []string{"\r\n", ",", " "} {
		joiner := nodes[i+1]
		body := "nobody:" + deadAddress(t) + separator + nodes[0].Contact() + separator
		_, err := joiner.JoinBody(body)
		must(t, err)
		harness.CheckPeers(t, nodes[:i+2])
	}
	_, err := nodes[1].Do("PUT", "/dht/join", []byte(nodes[0].Contact()+"\n"))
	must(t, err)
}

func TestJoinListWhoseFirstPeersAreUnusable(t *testing.T) {
	t.Parallel()
	nodes := harness.StartAll(t, 2)
	pairs := harness.Numbered("key", 50)
	harness.Load(t, pairs, nodes[1])
	must(t, nodes[1].Join("dead:"+deadAddress(t), nodes[1].Contact(), nodes[0].Contact()))
	harness.CheckPeers(t, nodes)
	harness.Verify(t, pairs, nodes...)
}

func TestJoinOfAPeerOfTheOwnClusterChangesNothing(t *testing.T) {
	t.Parallel()
	nodes := harness.Cluster(t, 3)
	before := harness.AwaitSettled(t, nodes)
	must(t, nodes[2].Join(nodes[0].Contact()))
	must(t, nodes[0].Join(nodes[2].Contact()))
	after := harness.AwaitSettled(t, nodes)
	if before.Version != after.Version {
		t.Errorf("ring version: got %d, want %d as before", after.Version, before.Version)
	}
}

func TestMemberAskedToJoinAnotherClusterLeavesItsOwnFirst(t *testing.T) {
	t.Parallel()
	// All names differ, so that the mover's is free where it goes.
	nodes := harness.StartAll(t, 5)
	ours, theirs := nodes[:3], nodes[3:]
	must(t, ours[1].Join(ours[0].Contact()))
	must(t, ours[2].Join(ours[0].Contact()))
	must(t, theirs[1].Join(theirs[0].Contact()))
	left, joined := harness.Numbered("left", 200), harness.Numbered("joined", 200)
	harness.Load(t, left, ours...)
	harness.Load(t, joined, theirs...)

	mover := ours[2]
	brought, err := mover.Keys()
	must(t, err)
	must(t, mover.Join(theirs[0].Contact()))

	rest := without(ours, mover)
	harness.CheckPeers(t, rest)
	harness.Verify(t, left, rest...)
	theirs = append(slices.Clone(theirs), mover)
	harness.CheckPeers(t, theirs)
	for _, key := range brought {
		joined[key] = left[key]
	}
	harness.Verify(t, joined, theirs...)
}

func TestJoinFlagJoinsAtStart(t *testing.T) {
	t.Parallel()
	first := harness.Start(t, "peer1")
	pairs := harness.Numbered("key", 50)
	harness.Load(t, pairs, first)
	second := harness.Start(t, "peer2", "--join", first.Address())
	nodes := []*harness.Node{first, second}
	harness.AwaitSettled(t, nodes)
	harness.CheckPeers(t, nodes)
	harness.Verify(t, pairs, nodes...)
}

// deadAddress returns a host:port where nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("localhost:%d", harness.FreePort(t))
}

func without(nodes []*harness.Node, one *harness.Node) []*harness.Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n *harness.Node) bool { return n == one })
}
