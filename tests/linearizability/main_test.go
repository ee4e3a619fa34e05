// Package linearizability_test reads and writes registers through all members of
// a cluster while nodes join and leave it, and has porcupine check that every
// key's history is that of one register.
//
//	history_test.go     what clients were told
//	members_test.go     who is in the cluster, and may be asked
//	clients_test.go     the traffic
//	registers_test.go   joins and leaves
//	rolling_test.go     a rolling restart
//	pulses_test.go      nodes that stand still for a moment
package linearizability_test

import (
	"testing"

	"pipelinedht/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
