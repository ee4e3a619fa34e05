// Package failover_test looks at failover from outside: what clients of a
// cluster notice when one of its nodes is killed or hangs, and what it costs to
// have the node back.
package failover_test

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
