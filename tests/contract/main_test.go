// Package contract_test checks the HTTP contract and the command line of the
// built binary, case by case, as a user would: nodes are started with nothing
// but a name and a port (and a data directory where that is the case).
package contract_test

import (
	"errors"
	"testing"

	"pipelinedht/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// must ends the test if something that a case only prepares goes wrong.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// statusOf returns the answer's status, with an error or without.
func statusOf(t *testing.T, a harness.Answer, err error) int {
	t.Helper()
	var refused *harness.StatusError
	if err != nil && !errors.As(err, &refused) {
		t.Fatalf("no answer: %v", err)
	}
	return a.Status
}
