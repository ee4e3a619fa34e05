package chaos_test

import (
	"testing"
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/chaos/failpoint"
	"pipelinedht/tests/chaos/report"
	"pipelinedht/tests/chaos/traffic"
	"pipelinedht/tests/harness"
	"pipelinedht/tests/register"
)

const (
	// biteWithin bounds the search for what a broken rule does.
	biteWithin = 150 * time.Second
	// bites is how many faults there are from one look at the histories to the next.
	bites = 4
	// bitten is how many clients each node has: each whose request is in the node's
	// hands when the fault comes may be told something wrong afterwards.
	bitten = 8
)

// TestBrokenRulesAreCaught runs nodes that leave one rule of the copy protocol out:
// what clients are told must give them away.
func TestBrokenRulesAreCaught(t *testing.T) {
	seed := harness.Seed(t)
	program := harness.Build(t, "breakage")
	for _, c := range []struct {
		rule  string
		fault failpoint.Failpoint
	}{
		{"read without check", briefFreeze{}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			shape := cluster.Shape{
				Nodes: 3, Partitions: 64, Program: program, Env: []string{"DHT_BREAKAGE=" + c.rule},
			}
			begun := time.Now()
			for i := uint64(0); time.Since(begun) < biteWithin; i++ {
				if wrong := bite(t, seed+i, shape, c.fault); wrong != nil {
					t.Logf("caught after %v: %v", time.Since(begun).Round(time.Second), wrong)
					return
				}
			}
			t.Errorf("not caught within %v", biteWithin)
		})
	}
}

// briefFreeze stops a node for just so long that others take over from it and
// write: what it has half answered is then out of date.
type briefFreeze struct{}

func (briefFreeze) Name() string                    { return "freeze one" }
func (briefFreeze) Available(*cluster.Cluster) bool { return true }
func (briefFreeze) Inject(s *failpoint.Scene) error {
	members := s.Cluster.Members()
	victim := members[s.Rng.IntN(len(members))]
	victim.Afflict()
	defer victim.Recovered()
	if err := victim.Freeze(); err != nil {
		return err
	}
	<-time.After(3500 * time.Millisecond)
	return victim.Thaw()
}

// bite runs a cluster through a few faults of a kind and returns a history that is
// wrong, nil if none is.
func bite(t *testing.T, seed uint64, shape cluster.Shape, fault failpoint.Failpoint) *register.Fault {
	t.Helper()
	r := &run{Run: new(report.Run), t: t, dir: t.TempDir(), rng: harness.Rand(seed, 0)}
	r.cluster = cluster.Start(t, shape, r.dir)
	r.traffic = traffic.Start(r.cluster, seed, bitten)
	defer r.traffic.Stop()
	for range bites {
		if !r.settle() || !r.fault(fault, true) {
			return nil
		}
	}
	r.traffic.Stop()
	faults, err := r.traffic.Registers.Check(t.TempDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if !f.Unsure {
			return &f
		}
	}
	return nil
}
