package harness

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// VerifyListed fails the test unless each of the keys is listed by exactly one
// of the nodes, and no other key by any.
func VerifyListed(t testing.TB, want []string, nodes ...*Node) {
	t.Helper()
	var got []string
	for _, n := range nodes {
		keys, err := n.Keys()
		if err != nil {
			t.Fatalf("keys of %s: %v", n.Name, err)
		}
		got = append(got, keys...)
	}
	slices.Sort(got)
	if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Fatalf("keys listed by %v: %s", Names(nodes), difference(got, want))
	}
}

// difference says which of the wanted keys are missing and which are there
// without being wanted, or twice.
func difference(got, want []string) string {
	count := make(map[string]int)
	for _, key := range want {
		count[key]--
	}
	for _, key := range got {
		count[key]++
	}
	var missing, extra []string
	for _, key := range slices.Sorted(maps.Keys(count)) {
		switch n := count[key]; {
		case n < 0:
			missing = append(missing, key)
		case n > 0:
			extra = append(extra, key)
		}
	}
	return fmt.Sprintf("got %d, want %d; missing %d: %q; unwanted or twice %d: %q",
		len(got), len(want), len(missing), missing[:min(len(missing), shownFaults)], len(extra), extra[:min(len(extra), shownFaults)])
}
