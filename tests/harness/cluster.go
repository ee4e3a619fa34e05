package harness

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// settleWithin is how long a cluster may take to settle after a change; no test
// data here takes a tenth of it.
const settleWithin = 60 * time.Second

// StartAll starts count standalone nodes named peer1, peer2 and so on.
func StartAll(t testing.TB, count int, args ...string) []*Node {
	t.Helper()
	return startAll(t, count, Start, args)
}

// Cluster starts count nodes and joins each, one after another, to the first.
func Cluster(t testing.TB, count int, args ...string) []*Node {
	t.Helper()
	return joined(t, startAll(t, count, Start, args))
}

// DurableCluster is Cluster with data directories.
func DurableCluster(t testing.TB, count int, args ...string) []*Node {
	t.Helper()
	return joined(t, startAll(t, count, StartDurable, args))
}

func startAll(t testing.TB, count int, start func(testing.TB, string, ...string) *Node, args []string) []*Node {
	t.Helper()
	nodes := make([]*Node, count)
	for i := range nodes {
		nodes[i] = start(t, fmt.Sprintf("peer%d", i+1), args...)
	}
	return nodes
}

func joined(t testing.TB, nodes []*Node) []*Node {
	t.Helper()
	for i, n := range nodes[1:] {
		begun := time.Now()
		if err := n.Join(nodes[0].Contact()); err != nil {
			t.Fatalf("%s joins %d nodes: %v", n.Name, i+1, err)
		}
		t.Logf("%s joined %d nodes in %v", n.Name, i+1, time.Since(begun).Round(time.Millisecond))
	}
	return nodes
}

// Settled says what keeps the nodes from showing one settled map, of exactly
// these nodes; nil if they do.
func Settled(nodes []*Node) error {
	_, err := SettledRing(nodes)
	return err
}

// AwaitSettled waits until every node shows the same settled map, of exactly
// these nodes, and returns it.
func AwaitSettled(t testing.TB, nodes []*Node) *Ring {
	t.Helper()
	var ring *Ring
	Await(t, settleWithin, "all nodes show one settled map", func() error {
		var err error
		ring, err = SettledRing(nodes)
		return err
	})
	return ring
}

// SettledRing is Settled that returns the map.
func SettledRing(nodes []*Node) (*Ring, error) {
	var first *Ring
	for _, n := range nodes {
		ring, err := n.Ring()
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = ring
		}
		if ring.Version != first.Version || ring.Cluster != first.Cluster {
			return nil, fmt.Errorf("%s is at ring version %d of cluster %s, %s at %d of %s",
				n.Name, ring.Version, ring.Cluster, nodes[0].Name, first.Version, first.Cluster)
		}
	}
	var got []string
	for _, p := range first.Peers {
		got = append(got, p.Name)
	}
	if want := Names(nodes); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		return nil, fmt.Errorf("peers in the map: got %v, want %v", got, want)
	}
	return first, first.Unsettled()
}

// Names returns the nodes' names, sorted.
func Names(nodes []*Node) []string {
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return names
}

// CheckPeers fails the test unless every node lists all of them, itself first
// and the others sorted.
func CheckPeers(t testing.TB, nodes []*Node) {
	t.Helper()
	for _, n := range nodes {
		want := []string{n.Name}
		for _, name := range Names(nodes) {
			if name != n.Name {
				want = append(want, name)
			}
		}
		got, err := n.Peers()
		if err != nil {
			t.Fatalf("peers of %s: %v", n.Name, err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("peers of %s: got %q, want %q", n.Name, got, want)
		}
	}
}

// Together runs f for every element at once and waits for all; the first error
// in the order of the elements is returned.
func Together[T any](all []T, f func(T) error) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, one := range all {
		wg.Go(func() { errs[i] = f(one) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
