package realinput_test

import (
	"slices"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

const (
	loaders = 16 // requests in flight while loading and comparing
	readers = 4  // requests in flight while nodes join and leave
)

func TestGoSourceTreeSurvivesTwoJoinsAndTwoLeaves(t *testing.T) {
	t.Parallel()
	seed := harness.Seed(t)
	source := goSource(t)
	all := harness.StartAll(t, 7)
	nodes, newcomers := slices.Clone(all[:5]), all[5:]
	for _, n := range nodes[1:] {
		must(t, n.Join(nodes[0].Contact()))
	}
	begun := time.Now()
	must(t, source.load(nodes, loaders))
	took(t, begun, "%d files, %d MB, loaded through %d nodes", len(source.paths), source.bytes>>20, len(nodes))

	ring := harness.AwaitSettled(t, nodes)
	reading := startReader(source, nodes[:3], seed, readers)
	for _, n := range newcomers {
		begun := time.Now()
		must(t, n.Join(nodes[0].Contact()))
		nodes = append(nodes, n)
		took(t, begun, "%s joined", n.Name)
		ring = report(t, ring, harness.AwaitSettled(t, nodes))
	}
	for _, leaver := range slices.Clone(nodes[3:5]) {
		begun := time.Now()
		must(t, leaver.Leave())
		nodes = slices.DeleteFunc(nodes, func(n *harness.Node) bool { return n == leaver })
		took(t, begun, "%s left", leaver.Name)
		ring = report(t, ring, harness.AwaitSettled(t, nodes))
	}
	reading.stop(t)

	begun = time.Now()
	must(t, harness.Together(nodes, func(n *harness.Node) error {
		return harness.EachKey(source.paths, loaders/len(nodes)+1, func(_ int, path string) error { return source.compare(n, path) })
	}))
	took(t, begun, "every file compared on every node")
	harness.VerifyListed(t, source.paths, nodes...)
}

// report prints how a change spread and moved the copies, beside what is the
// least that any placement as even could move, and returns the ring after it.
func report(t *testing.T, before, after *harness.Ring) *harness.Ring {
	t.Helper()
	fewest, most := harness.Spread(after.Primaries())
	fewestCopies, mostCopies := harness.Spread(after.Copies())
	t.Logf("primaries: %d to %d a node; copies: %d to %d; copies moved: %d, least possible: %d",
		fewest, most, fewestCopies, mostCopies, after.Moved(before), leastMoved(before, after))
	return after
}

// leastMoved returns the fewest copies that a change of members can move: those
// of the peers that went need a new place, and a new peer needs its share.
func leastMoved(before, after *harness.Ring) int {
	held, moved := before.Copies(), 0
	total := 0
	for _, n := range after.Copies() {
		total += n
	}
	share := total / len(after.Peers)
	for _, p := range after.Peers {
		if _, stayed := held[p.Name]; !stayed {
			moved += share
		}
		delete(held, p.Name)
	}
	for _, n := range held {
		moved += n
	}
	return moved
}

func took(t *testing.T, begun time.Time, format string, args ...any) {
	t.Helper()
	t.Logf(format+" in %v", append(args, time.Since(begun).Round(time.Millisecond))...)
}
