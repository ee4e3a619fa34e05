// Package realinput_test loads a real source tree into a cluster and compares
// every file, while and after nodes join and leave.
package realinput_test

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
