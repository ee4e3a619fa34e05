package durability_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// Bits rot on the disk of a node that is down. It comes back and has what is damaged
// replaced, or says what to do and ends; then that is done. Nothing is lost, and
// nothing else is read in its place.
func TestRottenBitsOnOneDiskLoseNothing(t *testing.T) {
	t.Parallel()
	rng := harness.Rand(harness.Seed(t), 0)
	nodes := harness.DurableCluster(t, 3)
	pairs := harness.Numbered("key", 300)
	harness.Load(t, pairs, nodes...)
	harness.AwaitSettled(t, nodes)
	rotten := nodes[0]
	rotten.Kill()
	rotten.Restart() // so that there are tables
	for _, pattern := range []string{"store/*.sst", "store/MANIFEST-*", "store/*.log", "raft-*/raft.db", "store/*.sst"} {
		harness.AwaitSettled(t, nodes)
		rotten.Kill()
		rot(t, rng, filepath.Join(rotten.DataDir, pattern))
		rotten.Launch(rotten.Port)
		if err := rotten.WaitReady(20 * time.Second); err != nil {
			if err := rotten.WaitExit(20 * time.Second); err != nil {
				t.Fatalf("%s: neither ready nor ended: %v", pattern, err)
			}
			if !strings.Contains(rotten.Log(), "start the node under its name") {
				t.Errorf("%s: the node does not say what to do", pattern)
			}
			must(t, os.RemoveAll(rotten.DataDir))
			rotten.Restart()
			must(t, rotten.Join(nodes[1].Contact()))
			t.Logf("%s: begun anew", pattern)
		} else {
			t.Logf("%s: went on", pattern)
		}
		harness.Verify(t, pairs, nodes...)
	}
	harness.AwaitSettled(t, nodes)
	harness.CheckPeers(t, nodes)
}

// rot flips three bits in each file that matches.
func rot(t *testing.T, rng *rand.Rand, pattern string) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	must(t, err)
	if len(names) == 0 {
		t.Fatalf("no file matches %s", pattern)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		must(t, err)
		for range min(3, len(content)) {
			content[rng.IntN(len(content))] ^= 1 << rng.IntN(8)
		}
		must(t, os.WriteFile(name, content, 0o600))
	}
}
