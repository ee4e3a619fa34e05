package linearizability_test

import (
	"math"
	"testing"

	"github.com/anishathalye/porcupine"
)

// at is an operation from one time to another.
func at(called, returned int64, in input, out output) porcupine.Operation {
	in.key = "register"
	return porcupine.Operation{Call: called, Return: returned, Input: in, Output: out}
}

// TestModelTellsRightHistoriesFromWrongOnes shows that the check bites.
func TestModelTellsRightHistoriesFromWrongOnes(t *testing.T) {
	t.Parallel()
	wrote := func(from, to int64, value, tag string) porcupine.Operation {
		return at(from, to, input{kind: write, value: value}, output{tag: tag})
	}
	saw := func(from, to int64, value, tag string) porcupine.Operation {
		return at(from, to, input{kind: read}, output{found: true, value: value, tag: tag})
	}
	missing := func(from, to int64) porcupine.Operation {
		return at(from, to, input{kind: read}, output{})
	}
	lost := at(1, math.MaxInt64, input{kind: write, value: "b"}, output{unknown: true})
	replaced := func(tag string, refused bool) porcupine.Operation {
		return at(4, 5, input{kind: replace, value: "c", tag: tag}, output{refused: refused, tag: "3"})
	}
	for _, c := range []struct {
		name    string
		history []porcupine.Operation
		want    bool
	}{
		{"read of the last write", []porcupine.Operation{wrote(0, 1, "a", "1"), saw(2, 3, "a", "1")}, true},
		{"stale read", []porcupine.Operation{wrote(0, 1, "a", "1"), wrote(2, 3, "b", "2"), saw(4, 5, "a", "1")}, false},
		{"read of a write under way", []porcupine.Operation{wrote(0, 1, "a", "1"), wrote(2, 5, "b", "2"), saw(3, 4, "b", "2")}, true},
		{"two reads that go back", []porcupine.Operation{wrote(0, 1, "a", "1"), wrote(2, 9, "b", "2"), saw(3, 4, "b", "2"), saw(5, 6, "a", "1")}, false},
		{"lost write", []porcupine.Operation{wrote(0, 1, "a", "1"), missing(2, 3)}, false},
		{"deleted key that returns", []porcupine.Operation{wrote(0, 1, "a", "1"), at(2, 3, input{kind: remove}, output{}), saw(4, 5, "a", "1")}, false},
		{"unknown write that is seen late", []porcupine.Operation{wrote(0, 1, "a", "1"), lost, saw(2, 3, "a", "1"), saw(4, 5, "b", "7")}, true},
		{"unknown write that is never seen", []porcupine.Operation{wrote(0, 1, "a", "1"), lost, saw(2, 3, "a", "1")}, true},
		{"unknown write that happens twice", []porcupine.Operation{lost, saw(2, 3, "b", "2"), wrote(4, 5, "c", "3"), saw(6, 7, "b", "2")}, false},
		{"value under two tags", []porcupine.Operation{wrote(0, 1, "a", "1"), saw(2, 3, "a", "2")}, false},
		{"replaced under the right tag", []porcupine.Operation{wrote(0, 1, "a", "1"), replaced("1", false), saw(6, 7, "c", "3")}, true},
		{"replaced under a wrong tag", []porcupine.Operation{wrote(0, 1, "a", "1"), replaced("0", false)}, false},
		{"refused under the right tag", []porcupine.Operation{wrote(0, 1, "a", "1"), replaced("1", true)}, false},
		{"created twice", []porcupine.Operation{
			at(0, 1, input{kind: create, value: "a"}, output{tag: "1"}), at(2, 3, input{kind: create, value: "b"}, output{tag: "2"}),
		}, false},
	} {
		if got := porcupine.CheckOperations(model, c.history); got != c.want {
			t.Errorf("%s: linearizable: got %t, want %t", c.name, got, c.want)
		}
	}
}
