// Package load_test gives a cluster more than it can serve, and clients that are
// slower than any should be, and checks that what is beyond the limits is refused
// or cut off and that nobody else notices.
package load_test

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
