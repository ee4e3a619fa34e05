package register

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/anishathalye/porcupine"
)

// played is a random history of one register, whose operations overlap, with some
// whose outcome is unknown; in every other one a word or two are wrong.
func played(r *rand.Rand) []porcupine.Operation {
	var s state
	var history []porcupine.Operation
	versions := 0
	tag := func() string { return fmt.Sprint(1 + r.IntN(versions+1)) }
	for i := range int64(4 + r.IntN(8)) {
		in := Input{Kind: Kind(r.IntN(int(RemoveMatch) + 1)), Key: "k"}
		if in.Kind.Unconditional() == Write {
			in.Value = fmt.Sprint("value ", i)
		}
		if in.Kind == Replace || in.Kind == RemoveMatch {
			in.Tag = tag()
		}
		op := at(10*i-int64(r.IntN(30)), 10*i+int64(r.IntN(30)), in, Output{})
		out := Output{Unknown: in.Kind != Read && r.IntN(3) == 0}
		if !out.Unknown || r.IntN(2) == 0 {
			versions++
			s, out = carried(s, in, out, fmt.Sprint(versions))
		}
		if out.Unknown {
			out, op.Return = Output{Unknown: true}, math.MaxInt64
		}
		op.Output = out
		history = append(history, op)
	}
	for range r.IntN(6) {
		op := &history[r.IntN(len(history))]
		out := op.Output.(Output)
		switch in := op.Input.(Input); {
		case in.Kind == Read:
			other := history[r.IntN(len(history))].Output.(Output)
			out.Value, out.Tag = other.Value, other.Tag
			out.Found = other.Found
		case in.Kind == Remove:
			out.Found = !out.Found
		}
		op.Output = out
	}
	return history
}

// carried returns what an operation leaves and answers, as a register would have it;
// tag is of what it writes.
func carried(s state, in Input, out Output, tag string) (state, Output) {
	holds := in.Kind == Create && !s.found || in.Kind != Create && s.found && s.tag == in.Tag
	switch {
	case in.Kind == Read:
		out.Found, out.Value, out.Tag = s.found, s.value, s.tag
		return s, out
	case in.Kind > Remove && !holds:
		out.Refused, out.Tag = true, s.tag
		return s, out
	case in.Kind.Unconditional() == Write:
		out.Tag = tag
		return state{true, in.Value, tag}, out
	}
	out.Found = in.Kind == Remove && s.found
	return state{}, out
}

// What is known of operations of unknown outcome changes no verdict.
func TestASettledHistoryIsJudgedAsItWouldBe(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	verdicts := make(map[bool]int)
	for i := range 10000 {
		ops, err := rank(played(r))
		if err != nil {
			t.Fatal(err)
		}
		want := porcupine.CheckOperations(model, ops)
		settle(ops)
		if got := porcupine.CheckOperations(model, ops); got != want {
			t.Fatalf("seed %d, history %d: settled %t, as it is %t: %+v", seed, i, got, want, ops)
		}
		verdicts[want]++
	}
	if verdicts[true] < 500 || verdicts[false] < 500 {
		t.Errorf("%d histories of registers, %d others: want some of both", verdicts[true], verdicts[false])
	}
}

// Sixty operations on one key were lost with the nodes that they were sent to.
func TestAKeyWithManyUnknownOutcomesIsNotTooHardToJudge(t *testing.T) {
	h := NewHistory()
	for i := range 60 {
		h.Record(1, Input{Kind: []Kind{Write, Remove, Create}[i%3], Key: "k", Value: fmt.Sprint("lost ", i)}, Output{Unknown: true}, h.Now())
		value, tag := fmt.Sprint("value ", i), fmt.Sprint(i+1)
		h.Record(2, Input{Kind: Write, Key: "k", Value: value}, Output{Tag: tag}, h.Now())
		h.Record(2, Input{Kind: Read, Key: "k"}, Output{Found: true, Value: value, Tag: tag}, h.Now())
	}
	faults, err := h.Check(t.TempDir)
	if err != nil || len(faults) > 0 {
		t.Fatalf("judged to be wrong: %v, %v", faults, err)
	}
	h.Record(2, Input{Kind: Read, Key: "k"}, Output{Found: true, Value: "value 58", Tag: "59"}, h.Now())
	if faults, err = h.Check(t.TempDir); err != nil || len(faults) != 1 || faults[0].Unsure {
		t.Errorf("a stale read: got %v, %v", faults, err)
	}
}
