package chaos_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/chaos/network"
	"pipelinedht/tests/chaos/report"
	"pipelinedht/tests/harness"
)

// mostFailures ends the test early: what many runs find is mostly the same.
const mostFailures = 5

// TestChaos begins one run after another until its time has passed, at least one.
func TestChaos(t *testing.T) {
	seed := harness.Seed(t)
	begun := time.Now()
	var runs []*report.Run
	failures := 0
	for i := uint64(0); i == 0 || time.Since(begun) < *timeFlag && failures < mostFailures; i++ {
		r := newReport(seed + i)
		if !t.Run(fmt.Sprint(seed+i), func(t *testing.T) { chaos(t, r) }) {
			failures++
		}
		runs = append(runs, r)
		if *reportFlag != "" {
			if err := report.Append(*reportFlag, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	var table strings.Builder
	if err := report.Print(&table, runs); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d runs, seeds %d to %d:\n%s", len(runs), seed, seed+uint64(len(runs))-1, table.String())
}

// shapeOf is the cluster of a seed: sizes, storage and network take turns.
func shapeOf(seed uint64) cluster.Shape {
	rng := harness.Rand(seed, 1)
	return cluster.Shape{
		Nodes:      []int{3, 5, 7}[seed%3],
		Durable:    seed%2 == 0,
		Wires:      wiresOf(seed),
		Partitions: []int{1024, 1024, 256, 64}[rng.IntN(4)],
	}
}

// wiresOf is what the nodes of a seed reach each other by, as far as this machine
// allows it.
func wiresOf(seed uint64) cluster.Wires {
	w := []cluster.Wires{cluster.Direct, cluster.Proxies, cluster.Packets, cluster.Proxies}[seed/6%4]
	if w == cluster.Packets && packetsAllowed() != nil {
		return cluster.Proxies
	}
	return w
}

var packetsAllowed = sync.OnceValue(network.PacketsAllowed)

func newReport(seed uint64) *report.Run {
	shape := shapeOf(seed)
	return &report.Run{Seed: seed, Nodes: shape.Nodes, Storage: shape.Storage(), Wires: shape.Wires.String(), Partitions: shape.Partitions}
}
