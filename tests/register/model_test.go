package register

import (
	"fmt"
	"math"
	"testing"

	"github.com/anishathalye/porcupine"
)

// at is an operation from one time to another.
func at(called, returned int64, in Input, out Output) porcupine.Operation {
	in.Key = "register"
	return porcupine.Operation{Call: called, Return: returned, Input: in, Output: out}
}

// TestModelTellsRightHistoriesFromWrongOnes shows that the check bites.
func TestModelTellsRightHistoriesFromWrongOnes(t *testing.T) {
	t.Parallel()
	wrote := func(from, to int64, value, tag string) porcupine.Operation {
		return at(from, to, Input{Kind: Write, Value: value}, Output{Tag: tag})
	}
	saw := func(from, to int64, value, tag string) porcupine.Operation {
		return at(from, to, Input{Kind: Read}, Output{Found: true, Value: value, Tag: tag})
	}
	missing := func(from, to int64) porcupine.Operation {
		return at(from, to, Input{Kind: Read}, Output{})
	}
	removed := func(from, to int64, found bool) porcupine.Operation {
		return at(from, to, Input{Kind: Remove}, Output{Found: found})
	}
	replaced := func(demanded string, out Output) porcupine.Operation {
		return at(4, 5, Input{Kind: Replace, Value: "c", Tag: demanded}, out)
	}
	lost := func(in Input) porcupine.Operation {
		return at(1, math.MaxInt64, in, Output{Unknown: true})
	}
	lostWrite := lost(Input{Kind: Write, Value: "b"})
	lostCreate := lost(Input{Kind: Create, Value: "b"})
	lostReplace := lost(Input{Kind: Replace, Value: "b", Tag: "1"})
	for _, c := range []struct {
		name    string
		history []porcupine.Operation
		want    bool
	}{
		{"read of the last write", []porcupine.Operation{wrote(0, 1, "a", "1"), saw(2, 3, "a", "1")}, true},
		{"stale read", []porcupine.Operation{wrote(0, 1, "a", "1"), wrote(2, 3, "b", "2"), saw(4, 5, "a", "1")}, false},
		{"read of a write under way", []porcupine.Operation{wrote(0, 1, "a", "1"), wrote(2, 5, "b", "2"), saw(3, 4, "b", "2")}, true},
		{"two reads that go back", []porcupine.Operation{wrote(0, 1, "a", "1"), wrote(2, 9, "b", "2"), saw(3, 4, "b", "2"), saw(5, 6, "a", "1")}, false},
		{"versions that go back", []porcupine.Operation{wrote(0, 1, "a", "2"), wrote(2, 3, "b", "1")}, false},
		{"older value that came along after a delete", []porcupine.Operation{
			lostWrite, wrote(2, 3, "a", "3"), removed(4, 5, true), saw(6, 7, "b", "2"),
		}, true},
		{"lost write", []porcupine.Operation{wrote(0, 1, "a", "1"), missing(2, 3)}, false},
		{"deleted key that returns", []porcupine.Operation{wrote(0, 1, "a", "1"), removed(2, 3, true), saw(4, 5, "a", "1")}, false},
		{"removed, and it was not there", []porcupine.Operation{wrote(0, 1, "a", "1"), removed(2, 3, false)}, false},
		{"removed twice", []porcupine.Operation{wrote(0, 1, "a", "1"), removed(2, 3, true), removed(4, 5, true)}, false},
		{"unknown write that is seen late", []porcupine.Operation{wrote(0, 1, "a", "1"), lostWrite, saw(2, 3, "a", "1"), saw(4, 5, "b", "7")}, true},
		{"unknown write that is never seen", []porcupine.Operation{wrote(0, 1, "a", "1"), lostWrite, saw(2, 3, "a", "1")}, true},
		{"unknown write that happens twice", []porcupine.Operation{lostWrite, saw(2, 3, "b", "2"), wrote(4, 5, "c", "3"), saw(6, 7, "b", "2")}, false},
		{"unknown create that happened", []porcupine.Operation{lostCreate, saw(2, 3, "b", "2")}, true},
		{"unknown create over a value", []porcupine.Operation{wrote(0, 1, "a", "1"), lostCreate, saw(2, 3, "b", "2")}, false},
		{"unknown replace that happened", []porcupine.Operation{wrote(0, 1, "a", "1"), lostReplace, saw(2, 3, "b", "2")}, true},
		{"unknown replace of another value", []porcupine.Operation{wrote(0, 1, "a", "3"), lostReplace, saw(2, 3, "b", "2")}, false},
		{"value under two tags", []porcupine.Operation{wrote(0, 1, "a", "1"), saw(2, 3, "a", "2")}, false},
		{"replaced under the right tag", []porcupine.Operation{wrote(0, 1, "a", "1"), replaced("1", Output{Tag: "3"}), saw(6, 7, "c", "3")}, true},
		{"replaced under a wrong tag", []porcupine.Operation{wrote(0, 1, "a", "1"), replaced("0", Output{Tag: "3"})}, false},
		{"refused under the right tag", []porcupine.Operation{wrote(0, 1, "a", "1"), replaced("1", Output{Refused: true, Tag: "1"})}, false},
		{"refused under a wrong tag", []porcupine.Operation{wrote(0, 1, "a", "1"), replaced("0", Output{Refused: true, Tag: "1"})}, true},
		{"refused, and told of a tag that is not there", []porcupine.Operation{wrote(0, 1, "a", "1"), replaced("0", Output{Refused: true, Tag: "2"})}, false},
		{"refused, and told that a value is gone", []porcupine.Operation{wrote(0, 1, "a", "1"), replaced("0", Output{Refused: true})}, false},
		{"created twice", []porcupine.Operation{
			at(0, 1, Input{Kind: Create, Value: "a"}, Output{Tag: "1"}), at(2, 3, Input{Kind: Create, Value: "b"}, Output{Tag: "2"}),
		}, false},
	} {
		ops, err := rank(c.history)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for range 2 { // as it is, and settled
			if got := porcupine.CheckOperations(model, ops); got != c.want {
				t.Errorf("%s: linearizable: got %t, want %t", c.name, got, c.want)
			}
			settle(ops)
		}
	}
}

// All clients wait for one key whose node a fault holds up, and are answered at one
// time: the order of their writes, and who saw which, is told by the versions.
func TestAHeldUpKeyIsNotTooHardToJudge(t *testing.T) {
	h := NewHistory()
	for i := range 30 {
		in, out := Input{Kind: Read, Key: "k", Value: ""}, Output{Found: true}
		version := 1 + i%5
		switch value := fmt.Sprint("value ", version); {
		case i == 29:
			in, out = Input{Kind: Remove, Key: "k"}, Output{Found: true}
		case i < 5:
			in, out = Input{Kind: Write, Key: "k", Value: value}, Output{Found: true, Tag: fmt.Sprint(version)}
		default:
			out.Value, out.Tag = value, fmt.Sprint(version)
		}
		h.Record(i, in, out, 0)
	}
	h.Record(0, Input{Kind: Read, Key: "k"}, Output{}, h.Now())
	faults, err := h.Check(t.TempDir)
	if err != nil || len(faults) > 0 {
		t.Fatalf("judged to be wrong: %v, %v", faults, err)
	}
}
