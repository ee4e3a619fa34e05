package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pipelinedht/tests/harness"
)

// expectLog fails the test unless the node's log contains word, in any case of
// letters.
func expectLog(t *testing.T, n *harness.Node, word string) {
	t.Helper()
	if log := n.Log(); !strings.Contains(strings.ToLower(log), word) {
		t.Errorf("log of %s: no %q in it:\n%s", n.Name, word, log)
	}
}

// jsonFields returns the names of the top-level fields of a JSON answer, sorted.
func jsonFields(t *testing.T, path string, a harness.Answer) []string {
	t.Helper()
	if kind := a.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		t.Errorf("GET %s: Content-Type: got %q, want application/json", path, kind)
	}
	return slices.Sorted(maps.Keys(jsonObject(t, a.Body)))
}

func jsonObject(t *testing.T, body string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(body), &object); err != nil {
		t.Fatalf("not a JSON object: %v: %q", err, body)
	}
	return object
}

// expectJSONNumber fails the test unless the object has the number, in the
// decimal form of want.
func expectJSONNumber(t *testing.T, body, field, want string) {
	t.Helper()
	got := fmt.Sprint(jsonObject(t, body)[field])
	if got != want {
		t.Errorf("field %q: got %s, want %s, in %s", field, got, want, body)
	}
}

// expectRefusal fails the test unless the answer has the status and one plain
// line that says what is wrong.
func expectRefusal(t *testing.T, what string, a harness.Answer, err error, status ...int) {
	t.Helper()
	if got := statusOf(t, a, err); !slices.Contains(status, got) {
		t.Errorf("%s: got %d %q, want status %v", what, got, a.Body, status)
		return
	}
	line, ended := strings.CutSuffix(a.Body, "\n")
	if line = strings.TrimSuffix(line, "\r"); !ended || len(line) < 10 || strings.ContainsAny(line, "\r\n") {
		t.Errorf("%s: got %q, want one plain line that says what is wrong and what to do", what, a.Body)
	}
	if kind := a.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
		t.Errorf("%s: Content-Type: got %q, want text/plain", what, kind)
	}
	t.Logf("%s: %d %s", what, a.Status, line)
}
