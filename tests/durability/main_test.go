// Package durability_test checks that nodes with a data directory come back from
// kill -9 with everything that they acknowledged, their membership and their
// roles, and without anybody joining again.
package durability_test

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
