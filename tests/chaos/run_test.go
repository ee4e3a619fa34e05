package chaos_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/chaos/failpoint"
	"pipelinedht/tests/chaos/report"
	"pipelinedht/tests/chaos/traffic"
	"pipelinedht/tests/harness"
)

const (
	clientsPerNode = 3
	// loaded is how many keys are written once before the first fault.
	loaded = 2000
	// enough is how many requests must be answered before a fault, and after the
	// last one; a run that does not reach it within enoughWithin is rejected.
	enough       = 300
	enoughWithin = 30 * time.Second
)

// run is one cluster and what happens to it.
type run struct {
	*report.Run
	t       testing.TB
	dir     string
	rng     *rand.Rand
	cluster *cluster.Cluster
	traffic *traffic.Traffic

	// bitten: the nodes leave a rule out, so violations are what is looked for.
	bitten bool
	wrong  []string // violations that are wrong answers
	stuck  []string // violations that keep the run from going on
}

// chaos is one run from its start to its judgement.
func chaos(t *testing.T, into *report.Run) {
	begun := time.Now()
	r := &run{Run: into, t: t, dir: runDir(t, into.Seed), rng: harness.Rand(into.Seed, 0)}
	defer func() { r.Took = time.Since(begun) }()
	r.cluster = cluster.Start(t, shapeOf(r.Seed), r.dir)
	r.log("%d nodes (%s, network: %s), %d partitions, started in %v", r.Nodes, r.Storage, r.Wires, r.Partitions, time.Since(begun).Round(time.Millisecond))
	r.traffic = traffic.Start(r.cluster, r.Seed, clientsPerNode)
	defer r.traffic.Stop()
	r.cluster.Joined = r.traffic.Add
	if err := r.traffic.Load(loaded); err != nil {
		r.violation("before any fault: %v", err)
	}
	if r.faults() {
		r.judge()
	}
	if t.Failed() {
		r.keep()
	}
}

// faults brings about one fault after another, and reports whether the cluster
// got over all of them.
func (r *run) faults() bool {
	settled := r.settle()
	for begun := time.Now(); settled && time.Since(begun) < *runFlag; {
		if !r.busy("before a fault") {
			return false
		}
		can := failpoint.Available(r.cluster, *faultFlag)
		if len(can) == 0 {
			r.log("no fault whose name contains %q can be brought about here", *faultFlag)
			break
		}
		if !r.fault(can[r.rng.IntN(len(can))], settled) {
			return false
		}
		// A node without a data directory has lost its copies when it was killed:
		// the next may die when they have been made again.
		if !r.cluster.Durable || r.rng.IntN(3) > 0 {
			settled = r.settle()
		}
	}
	return settled && r.settle() && r.busy("after the last fault")
}

// fault brings one fault about and reports whether it ended as it should.
func (r *run) fault(f failpoint.Failpoint, settled bool) bool {
	begun, before := time.Now(), r.traffic.Count()
	scene := &failpoint.Scene{
		Cluster: r.cluster, Rng: r.rng, History: r.traffic.Registers, Once: r.traffic.Once, Log: r.log, Settled: settled,
	}
	r.log("%s", f.Name())
	err := f.Inject(scene)
	after := r.traffic.Count()
	one := report.Fault{Name: f.Name(), Settled: settled, Took: time.Since(begun), FailedWell: after.FailedWell - before.FailedWell}
	if measured := scene.Failover; measured != nil {
		one.Failover = (*report.Failover)(measured)
		r.log("failover of %d partitions: %v the median, %v the last; %d probes failed", measured.Partitions,
			measured.Median.Round(time.Millisecond), measured.Last.Round(time.Millisecond), measured.Failed)
		if *overFlag > 0 && measured.Last > *overFlag {
			err = errors.Join(err, fmt.Errorf("failover took %v", measured.Last))
		}
	}
	r.Faults = append(r.Faults, one)
	if err != nil {
		r.noteStuck("%s: %v", f.Name(), err)
		return false
	}
	return true
}

// settle waits until the cluster has got over what happened to it.
func (r *run) settle() bool {
	took, err := r.cluster.AwaitSettled()
	if err != nil {
		r.noteStuck("%v", err)
		return false
	}
	r.log("settled in %v", took.Round(time.Millisecond))
	return true
}

// busy reports whether enough requests are answered soon. Otherwise the run proves
// nothing, and is rejected.
func (r *run) busy(when string) bool {
	err := awaitEnough(func() int { return r.traffic.Count().Done })
	if err != nil {
		r.noteStuck("rejected: too little traffic %s: %v", when, err)
	}
	return err == nil
}

// awaitEnough waits until enough more requests are answered.
func awaitEnough(answered func() int) error {
	from := answered()
	return harness.PollEvery(50*time.Millisecond, enoughWithin, func() error {
		if n := answered() - from; n < enough {
			return fmt.Errorf("%d requests answered", n)
		}
		return nil
	})
}

// violation notes something that must not be.
func (r *run) violation(format string, args ...any) {
	r.note(nil, format, args...)
}

// noteWrong notes an answer that must not be.
func (r *run) noteWrong(format string, args ...any) {
	r.note(&r.wrong, format, args...)
}

// noteStuck notes what keeps the run from going on, and tells nothing of answers.
func (r *run) noteStuck(format string, args ...any) {
	r.note(&r.stuck, format, args...)
}

// note notes a violation, also among those of a kind if it is of one.
func (r *run) note(kind *[]string, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.Violations = append(r.Violations, text)
	if kind != nil {
		*kind = append(*kind, text)
	}
	if r.bitten {
		r.log("%s", text)
		return
	}
	r.t.Errorf("%s: %s", r.at(), text)
}

func (r *run) log(format string, args ...any) {
	r.t.Helper()
	r.t.Logf("%s: %s", r.at(), fmt.Sprintf(format, args...))
}

// at is the time on the clock of the nodes' logs.
func (r *run) at() string { return time.Now().Format("15:04:05.000") }

// runDir returns a directory that stays if the run fails.
func runDir(t testing.TB, seed uint64) string {
	t.Helper()
	if *keepFlag != "" {
		if err := os.MkdirAll(*keepFlag, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp(*keepFlag, fmt.Sprintf("chaos-%d-", seed))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with SEED=%d; logs, data and history are in %s", seed, dir)
			return
		}
		os.RemoveAll(dir)
	})
	return dir
}

// keep writes down what a failed run has in memory, and what its nodes say of
// themselves.
func (r *run) keep() {
	f, err := os.Create(filepath.Join(r.dir, "history.json"))
	if err == nil {
		err = r.traffic.Registers.Dump(f)
		f.Close()
	}
	if err = errors.Join(err, r.cluster.Dump()); err != nil {
		r.log("keep the evidence: %v", err)
	}
}
