package report_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pipelinedht/tests/chaos/report"
)

func TestRunsOfAFileAreSummedUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runs.jsonl")
	fault := func(last time.Duration, settled bool, failed int) report.Fault {
		return report.Fault{Name: "kill one", Settled: settled, FailedWell: failed, Failover: &report.Failover{Last: last, Failed: 1}}
	}
	for _, r := range []*report.Run{
		{Nodes: 3, Storage: "disk", Wires: "direct", Took: time.Minute, Done: 100, Failed: 2, Unknown: 1, Registers: 5, Once: 10,
			Faults: []report.Fault{fault(time.Second, true, 0), fault(9*time.Second, false, 9)}},
		{Nodes: 3, Storage: "disk", Wires: "direct", Took: time.Minute, Done: 100, Registers: 5, Once: 10,
			Faults: []report.Fault{fault(2*time.Second, true, 3)}, Violations: []string{"lost"}},
		{Nodes: 5, Storage: "memory", Wires: "proxies", Took: time.Minute, Done: 7},
	} {
		if err := report.Append(path, r); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := report.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := report.Print(&text, runs); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"| 3 nodes, disk, direct | 2 | 2m0s | 3 | 203 | 2 | 1 | 10 | 20 | 1 |",
		"| 5 nodes, memory, proxies | 1 | 1m0s | 0 | 7 | 0 | 0 | 0 | 0 | 0 |",
		"| **all** | 3 | 3m0s | 3 | 210 | 2 | 1 | 10 | 20 | 1 |",
		"| kill one | 3 | 4, 4 | 2.00 s | 2.00 s | 2.00 s |",
	} {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("the line %q is missing in\n%s", line, text.String())
		}
	}
}
