package harness

import (
	"os"
	"path/filepath"
	"testing"
)

// Spec says how a node is started.
type Spec struct {
	Name      string
	Dir       string   // for its log, and its data if it is durable; "": one that goes with the test
	Durable   bool     // with a data directory
	Host      string   // that it listens on; "": localhost
	Dial      Dial     // for clients; nil: the usual one
	Prefix    []string // command line that runs the binary, in its own stead; nil: none
	Advertise string   // host:port that other nodes are told; "": its own
	Program   string   // a binary from Build; "": the one under test
	Env       []string // beyond the test's own, without any DHT_…
	Args      []string // beyond what follows from the other fields
}

// StartSpec is Start for any node.
func StartSpec(t testing.TB, spec Spec) *Node {
	t.Helper()
	n := &Node{Name: spec.Name, t: t, spec: spec}
	logs, data := spec.Dir, spec.Dir
	if spec.Dir == "" {
		logs = Dir(t, "log")
	}
	if spec.Durable {
		if spec.Dir == "" {
			data = Dir(t, "data")
		}
		n.DataDir = filepath.Join(data, spec.Name)
	}
	log, err := os.Create(filepath.Join(logs, spec.Name+".log"))
	if err != nil {
		t.Fatalf("log of %s: %v", spec.Name, err)
	}
	n.log = log
	t.Cleanup(n.end)
	n.startReady(FreePort(t))
	return n
}
