package chaos_test

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/chaos/failpoint"
	"pipelinedht/tests/chaos/report"
	"pipelinedht/tests/chaos/traffic"
	"pipelinedht/tests/harness"
)

const (
	// biteWithin bounds the search for what a broken rule does, not counting the
	// runs that broke.
	biteWithin = 150 * time.Second
	// mostStuck is how many runs may break until it is given up.
	mostStuck = 3
	// clientsBitten is how many clients each node has: each whose request is in the
	// node's hands when the fault comes may be told something wrong afterwards.
	clientsBitten = 8
)

// bite is a rule of the copy protocol, and what shows that nodes leave it out.
type bite struct {
	rule  string
	shape cluster.Shape
	fault string // the name of a failpoint, or its beginning
	times int    // that the fault comes from one judgement to the next
}

// TestBrokenRulesAreCaught runs nodes that leave one rule of the copy protocol out:
// what clients are told must give them away. docs/chaos.md says why one of the
// rules is not among them.
func TestBrokenRulesAreCaught(t *testing.T) {
	seed := harness.Seed(t)
	program := harness.Build(t, "breakage")
	for _, b := range []bite{
		{"read without check", cluster.Shape{Nodes: 3}, "freeze one", 4},
		{"take early", cluster.Shape{Nodes: 3, Wires: cluster.Proxies}, "isolate a primary that is read", 1},
		{"grow uncounted", cluster.Shape{Nodes: 5, Wires: cluster.Proxies}, "cut two copies off as the third comes back", 1},
		{"grant before up", cluster.Shape{Nodes: 3, Wires: cluster.Proxies, Durable: true, Partitions: 1}, "restart a new primary that Raft does not hear", 1},
		{"forget unknown", cluster.Shape{Nodes: 5, Wires: cluster.Proxies}, "cut a copy off that its primary does not know to be back", 1},
	} {
		t.Run(b.rule, func(t *testing.T) {
			b.shape.Partitions = cmp.Or(b.shape.Partitions, 64)
			b.shape.Program, b.shape.Env = program, []string{"DHT_BREAKAGE=" + b.rule}
			b.hunt(t, seed)
		})
	}
}

// hunt makes runs until one shows something wrong. One that breaks is none that
// shows nothing: it is told of, its evidence is kept, and another one is made.
func (b *bite) hunt(t *testing.T, seed uint64) {
	begun, stuck := time.Now(), 0
	var lost time.Duration // in runs that broke
	for ; time.Since(begun)-lost < biteWithin; seed++ {
		var r *run
		runBegun := time.Now()
		t.Run(fmt.Sprint(seed), func(t *testing.T) { r = b.run(t, seed) })
		switch {
		case r == nil:
			return // the cluster did not even start
		case len(r.wrong) > 0:
			t.Logf("caught after %v, in a run of %v: %s", time.Since(begun).Round(time.Second), time.Since(runBegun).Round(time.Second), r.wrong[0])
			return
		case len(r.stuck) > 0:
			if stuck++; stuck == mostStuck {
				t.Fatalf("%d runs broke, the last one by: %s", stuck, r.stuck[0])
			}
			lost += time.Since(runBegun)
		}
	}
	t.Errorf("not caught within %v", biteWithin)
}

// run makes one run of a few faults and judges it.
func (b *bite) run(t *testing.T, seed uint64) *run {
	r := &run{Run: &report.Run{Seed: seed}, t: t, dir: runDir(t, seed), rng: harness.Rand(seed, 0), bitten: true}
	r.cluster = cluster.Start(t, b.shape, r.dir)
	r.traffic = traffic.Start(r.cluster, seed, clientsBitten)
	defer r.traffic.Stop()
	for range b.times {
		if !r.settle() || !r.fault(failpoint.Available(r.cluster, b.fault)[0], true) {
			break
		}
	}
	if len(r.stuck) == 0 && r.settle() {
		r.judge()
	}
	if len(r.stuck) > 0 {
		r.keep()
	}
	return r
}
