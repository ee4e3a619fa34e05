package main

import (
	"bytes"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// peersReport runs the part with little load.
func peersReport(t *testing.T, args ...string) string {
	t.Helper()
	s, err := parse(append([]string{"-only", "peers", "-rounds", "1", "-time", "100ms",
		"-keys", "2000", "-join-keys", "2000", "-connections", "6", "-dir", t.TempDir()}, args...))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), s, &out); err != nil {
		t.Fatalf("%v after\n%s", err, out.String())
	}
	return out.String()
}

// Where a program is not installed, that it is said so is what there is to see.
func TestPeersAreMeasuredWhereTheyAreInstalled(t *testing.T) {
	report := peersReport(t)
	for program, rows := range map[string][]string{
		"etcd": {
			`PUT, through all nodes / etcd put, gRPC, all members +\d.* 3\n`,
			`PUT, at the primaries / etcd put, JSON, leader +\d.* 4\n`,
			`GET, at the primaries / etcd get, gRPC, leader +\d.* 3\.5\n`,
		},
		"redis-server": {
			`PUT, through all nodes / Redis Cluster SET, at the masters +\d`,
			`GET, at the primaries / Redis Cluster GET, at the masters +\d`,
			`PUT, 2 copies, at the primaries / Redis SET and WAIT 1, 2 copies +\d`,
			`PUT, fsynced / Redis SET, appendfsync always +\d`,
			`Redis Cluster, pipeline 100 +\d+\.\d\d +[45]\d\d `,
			`\nours, 1 copy, in memory +\d+\.\d\d +[45]\d\d `,
		},
	} {
		if _, err := exec.LookPath(program); err != nil {
			rows = []string{`not compared with: .*` + program}
		}
		for _, row := range rows {
			if !regexp.MustCompile(row).MatchString(report) {
				t.Errorf("no row like %s in\n%s", row, report)
			}
		}
	}
}

func TestPeersThatAreMissingTakeALine(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	report := peersReport(t, "-binary", "not needed")
	if want := "\nnot compared with: etcd, redis-server, redis-cli, not installed; make bench-peers does that\n"; !strings.Contains(report, want) || strings.Contains(report, "PUT") {
		t.Errorf("got\n%swant no rows and %q", report, want)
	}
}
