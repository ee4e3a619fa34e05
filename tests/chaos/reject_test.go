package chaos_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/chaos/report"
	"pipelinedht/tests/chaos/traffic"
)

// trial stands for the test of a run that is to fail: what the run says to it is
// looked at, and fails no other test.
type trial struct {
	testing.TB
	failed bool
	said   strings.Builder
	ends   []func()
}

func (t *trial) Helper()          {}
func (t *trial) Failed() bool     { return t.failed }
func (t *trial) Cleanup(f func()) { t.ends = append(t.ends, f) }

func (t *trial) Logf(format string, args ...any) { fmt.Fprintf(&t.said, format+"\n", args...) }

func (t *trial) Errorf(format string, args ...any) {
	t.failed = true
	t.Logf(format, args...)
}

// end is what happens at the end of a test.
func (t *trial) end() {
	for _, f := range t.ends {
		f()
	}
}

func TestTrafficIsEnoughOnlyIfItIsAnsweredFromNowOnAndSoon(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, later int           // requests answered
		after         time.Duration // of the latter
		want          bool
	}{
		{"nothing", 0, 0, 0, false},
		{"enough", 0, enough, time.Second, true},
		{"enough at last", 0, enough, enoughWithin - time.Second, true},
		{"one too few", 0, enough - 1, time.Second, false},
		{"enough before", enough, enough - 1, time.Second, false},
		{"enough too late", 0, enough, enoughWithin + time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := awaitEnough(func() int {
					if time.Since(began) < tt.after {
						return tt.before
					}
					return tt.before + tt.later
				})
				if (err == nil) != tt.want {
					t.Errorf("%d requests answered, and %d more after %v: got %v, want enough: %t", tt.before, tt.later, tt.after, err, tt.want)
				}
			})
		})
	}
}

func TestARunWithTooLittleTrafficFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := &trial{TB: t}
		r := &run{Run: new(report.Run), t: of, traffic: new(traffic.Traffic)}
		if r.busy("before a fault") {
			t.Error("it goes on")
		}
		if !of.failed || len(r.Violations) != 1 || !strings.Contains(of.said.String(), "rejected: too little traffic before a fault") {
			t.Errorf("failed: %t; violations %q; it says %q", of.failed, r.Violations, of.said.String())
		}
	})
}

func TestAFailingRunKeepsItsEvidence(t *testing.T) {
	const seed = 4711
	of := &trial{TB: t}
	r := &run{Run: &report.Run{Seed: seed}, t: of, dir: runDir(of, seed)}
	t.Cleanup(func() { os.RemoveAll(r.dir) })
	r.cluster = cluster.Start(t, cluster.Shape{Nodes: 1, Durable: true, Partitions: 64}, r.dir)
	r.traffic = traffic.Start(r.cluster, seed, clientsPerNode)
	defer r.traffic.Stop()
	r.busy("before the end")
	r.traffic.Stop()
	r.violation("something that must not be")
	r.keep()
	of.end()

	if said := of.said.String(); !strings.Contains(said, fmt.Sprintf("repeat with SEED=%d; logs, data and history are in %s", seed, r.dir)) {
		t.Errorf("it does not say how to repeat it, and where the evidence is: %s", said)
	}
	all, _ := r.traffic.Registers.Size()
	if kept, err := operations(filepath.Join(r.dir, "history.json")); err != nil || kept != all || all == 0 {
		t.Errorf("history: %d of %d operations, %v", kept, all, err)
	}
	for _, evidence := range []string{"peer1.log", "peer1-dht-ring.txt", "peer1/store/*.log"} {
		if !somethingIn(t, filepath.Join(r.dir, evidence)) {
			t.Errorf("%s: nothing is kept", evidence)
		}
	}
}

// somethingIn reports whether any file of that pattern holds something.
func somethingIn(t *testing.T, pattern string) bool {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && info.Size() > 0
	})
}

// operations counts the operations in a history that was kept.
func operations(path string) (n int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for in := json.NewDecoder(f); ; n++ {
		var op struct{ Call, Return *int64 }
		switch err := in.Decode(&op); {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		case op.Call == nil || op.Return == nil:
			return n, fmt.Errorf("operation %d has no times", n)
		}
	}
}

func TestARunThatFindsNothingLeavesNothing(t *testing.T) {
	of := &trial{TB: t}
	dir := runDir(of, 1)
	of.end()
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}
