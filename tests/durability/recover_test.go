package durability_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pipelinedht/tests/harness"
)

// recoverDir runs dht raft recover on a node's data directory.
func recoverDir(t *testing.T, n *harness.Node, args ...string) harness.Result {
	t.Helper()
	return harness.Exec(t, "", append([]string{"raft", "recover", "--data-dir", n.DataDir}, args...)...)
}

// holders returns, by key, the names of the nodes that have an in-sync copy of it.
func holders(t *testing.T, by *harness.Node, ring *harness.Ring, keys []string) map[string][]string {
	t.Helper()
	names := make(map[string]string)
	for _, p := range ring.Peers {
		names[p.ID] = p.Name
	}
	held := make(map[string][]string)
	for _, key := range keys {
		a, err := by.Do("GET", harness.KeyPath(key), nil)
		must(t, err)
		p, err := strconv.Atoi(a.Header.Get("DHT-Partition"))
		must(t, err)
		for _, id := range ring.Table[p].InSync {
			held[key] = append(held[key], names[id])
		}
	}
	return held
}

// heldBy splits the pairs into those that one of the nodes has, and the others' keys.
func heldBy(pairs harness.Pairs, held map[string][]string, nodes ...*harness.Node) (harness.Pairs, []string) {
	kept, lost := make(harness.Pairs), []string(nil)
	for key, value := range pairs {
		if slices.ContainsFunc(nodes, func(n *harness.Node) bool { return slices.Contains(held[key], n.Name) }) {
			kept[key] = value
		} else {
			lost = append(lost, key)
		}
	}
	return kept, lost
}

func TestWhatIsLeftOfAClusterIsRecoveredAndTheRestFormsNoSecondOne(t *testing.T) {
	t.Parallel()
	nodes := harness.DurableCluster(t, 5)
	pairs := harness.Numbered("key", 300)
	harness.Load(t, pairs, nodes...)
	var deleted []string
	for _, key := range pairs.Keys()[:50] {
		must(t, nodes[0].Delete(key))
		delete(pairs, key)
		deleted = append(deleted, key)
	}
	ring := harness.AwaitSettled(t, nodes)
	held := holders(t, nodes[0], ring, pairs.Keys())
	expectRefused(t, recoverDir(t, nodes[0], "--yes"), "another dht serve runs")
	left, gone := nodes[:2], nodes[2:]
	for _, n := range nodes {
		n.Kill()
	}

	recoverTwo(t, left, ring)
	kept, lost := heldBy(pairs, held, left...)
	t.Logf("%d of %d keys had a copy on the two nodes that are left", len(kept), len(pairs))
	harness.Verify(t, kept, left...)
	harness.VerifyMissing(t, slices.Concat(lost, deleted), left...)

	// Three return: a majority of the old cluster.
	returnInVain(t, gone, lost[0])
	harness.CheckPeers(t, left)
	newer := maps.Clone(pairs)
	for i, key := range slices.Sorted(maps.Keys(kept)) {
		if i%3 == 0 {
			newer[key] = "written since"
			must(t, left[i%2].Put(key, newer[key]))
		}
	}
	for _, n := range gone {
		must(t, n.Stop())
		expectDone(t, recoverDir(t, n, "--yes"))
		n.Restart()
		must(t, n.Join(left[0].Contact()))
	}
	harness.AwaitSettled(t, nodes)
	harness.CheckPeers(t, nodes)
	harness.Verify(t, newer, nodes...)
	harness.VerifyMissing(t, deleted, nodes...)
}

// recoverTwo recovers two stopped nodes of a cluster that had that ring, and has the
// second join the first.
func recoverTwo(t *testing.T, left []*harness.Node, ring *harness.Ring) {
	t.Helper()
	r := recoverDir(t, left[0])
	expectRefused(t, r, "--yes")
	for _, words := range []string{"kept: ", "given up here", fmt.Sprint("ring version ", ring.Version), "What that gives up: dht raft recover --help"} {
		if !strings.Contains(r.Stdout, words) {
			t.Errorf("it said %q, want a word on %q", r.Stdout, words)
		}
	}
	for _, n := range left {
		expectDone(t, recoverDir(t, n, "--yes"))
		expectRefused(t, recoverDir(t, n, "--yes"), "nothing to recover")
		n.Restart()
	}
	must(t, left[1].Join(left[0].Contact()))
	if after := harness.AwaitSettled(t, left); after.Cluster == ring.Cluster {
		t.Errorf("the cluster's id is still %s", after.Cluster)
	}
}

// returnInVain starts nodes of a cluster that was recovered without them.
func returnInVain(t *testing.T, gone []*harness.Node, key string) {
	t.Helper()
	for _, n := range gone {
		n.Launch(n.Port)
	}
	for _, n := range gone {
		awaitUnready(t, n, "recovered without it")
		if _, _, err := n.Get(key); err == nil {
			t.Errorf("%s serves", n.Name)
		}
		var refused *harness.StatusError
		if err := n.Leave(); !errors.As(err, &refused) || refused.Status != http.StatusConflict {
			t.Errorf("%s is told to leave: %v, want it refused with 409", n.Name, err)
		}
	}
}

func TestARecoveryThatWasCutShortIsDoneAgain(t *testing.T) {
	t.Parallel()
	nodes := harness.DurableCluster(t, 2)
	pairs := harness.Numbered("key", 50)
	harness.Load(t, pairs, nodes...)
	harness.AwaitSettled(t, nodes)
	n := nodes[1]
	for _, n := range nodes {
		n.Kill()
	}
	// As after the first of its two steps.
	dirs, err := filepath.Glob(filepath.Join(n.DataDir, "raft-*"))
	must(t, err)
	if len(dirs) != 1 {
		t.Fatalf("Raft directories: %v, want one", dirs)
	}
	must(t, os.Rename(dirs[0], filepath.Join(n.DataDir, "recovered-"+filepath.Base(dirs[0]))))
	start := harness.Exec(t, "", "serve", "--name", n.Name, "--port", strconv.Itoa(n.Port), "--data-dir", n.DataDir)
	expectRefused(t, start, "dht raft recover again")
	expectDone(t, recoverDir(t, n, "--yes"))
	n.Restart()
	harness.CheckPeers(t, nodes[1:])
	harness.Verify(t, pairs, n)
}

func TestASurvivorThatRunsIsToldThatItsClusterWasRecovered(t *testing.T) {
	t.Parallel()
	nodes := harness.DurableCluster(t, 3)
	pairs := harness.Numbered("key", 100)
	harness.Load(t, pairs, nodes...)
	harness.AwaitSettled(t, nodes)
	first, lost, survivor := nodes[0], nodes[1], nodes[2]
	first.Kill()
	lost.Kill()
	expectDone(t, recoverDir(t, first, "--yes"))
	first.Restart()
	harness.Verify(t, pairs, first)
	awaitUnready(t, survivor, "recovered without it")
	must(t, survivor.Stop())
	expectDone(t, recoverDir(t, survivor, "--yes"))
	survivor.Restart()
	must(t, survivor.Join(first.Contact()))
	both := []*harness.Node{first, survivor}
	harness.AwaitSettled(t, both)
	harness.Verify(t, pairs, both...)
}
