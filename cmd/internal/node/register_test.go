package node

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"pipelinedht/partition"
)

type kind uint8

const (
	get kind = iota
	put
	create // put, if absent
	del
	swap // put, or delete where the value is "", if the key has the value that was seen
)

// step is one operation on a register: the value "" stands for none.
type step struct {
	kind       kind
	key, value string
	expect     sighting // swap
}

// sighting is a value of a register and the stamp it bore.
type sighting struct {
	value string
	stamp partition.Stamp
}

// seen is what came of a step.
type seen struct {
	value   string          // get
	stamp   partition.Stamp // of the register's value, after it; 0: none, or not known
	failed  bool            // create, swap: the condition did not hold
	existed bool            // del
	err     error
}

// carryOut does a step through n.
func carryOut(n *Node, s step) (o seen) {
	ctx := context.Background()
	op := partition.Op{Kind: partition.OpPut, Key: []byte(s.key), Value: []byte(s.value)}
	switch s.kind {
	case get:
		r, err := table{n}.Get(ctx, []byte(s.key))
		o.value, o.stamp, o.err = string(r.Record.Value), r.Record.Stamp, err
		r.Close()
		return o
	case create:
		op.Condition.IfAbsent = true
	case swap:
		op.Condition.IfStamp = []partition.Stamp{s.expect.stamp}
	}
	if s.kind == del || s.value == "" {
		op.Kind, op.Value = partition.OpDelete, nil
	}
	out, _, err := table{n}.Write(ctx, op)
	return seen{failed: out.Failed, existed: out.Existed, stamp: out.Stamp, err: err}
}

// told returns the step as the history of the registers has it; ok is false
// where it tells nothing of them. What a node that was away did in another cluster
// is no part of them. But its writes may come along with it later, as the latest
// ones: they stay open, and their conditions were on other registers.
func told(id int, s step, o seen, call, ret time.Duration, away bool) (op porcupine.Operation, ok bool) {
	op = porcupine.Operation{ClientId: id, Call: int64(call), Return: int64(ret)}
	switch unknown := errors.Is(o.err, partition.ErrUnknown); {
	case o.err != nil && !unknown, s.kind == get && (unknown || away), away && o.failed:
		return op, false
	case away:
		if s.kind == create || s.kind == swap {
			s.kind = put
		}
		fallthrough
	case unknown:
		o, op.Return = seen{err: partition.ErrUnknown}, math.MaxInt64
	}
	op.Input, op.Output = s, o
	return op, true
}

// register is the model of one key.
var register = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		s, o := input.(step), output.(seen)
		holds := true
		switch s.kind {
		case get:
			return o.value == state, state
		case put:
			return true, s.value
		case del:
			return o.err != nil || o.existed == (state != ""), ""
		case create:
			holds = state == ""
		case swap:
			holds = state == s.expect.value
		}
		if !holds {
			return o.err != nil || o.failed, state
		}
		return o.err != nil || !o.failed, s.value
	},
}

func byKey(history []porcupine.Operation) map[string][]porcupine.Operation {
	parts := make(map[string][]porcupine.Operation)
	for _, op := range history {
		key := op.Input.(step).key
		parts[key] = append(parts[key], op)
	}
	return parts
}

func TestTheHistoryTellsWritesApartThatCameAlong(t *testing.T) {
	type one struct {
		s    step
		o    seen
		away bool
	}
	unknown, failed := seen{err: partition.ErrUnknown}, seen{failed: true}
	first := one{s: step{kind: put, value: "1"}}
	reads := func(value string) one { return one{s: step{kind: get}, o: seen{value: value}} }
	create := step{kind: create, value: "2"}
	swap := func(from, to string) step { return step{kind: swap, value: to, expect: sighting{value: from}} }
	for _, test := range []struct {
		name string
		ops  []one
		want bool
	}{
		{"a value nobody wrote", []one{first, reads("2")}, false},
		{"a create over a value", []one{first, {s: create}, reads("2")}, false},
		{"an unknown create over a value", []one{first, {s: create, o: unknown}, reads("2")}, false},
		{"a create elsewhere that came along", []one{first, {s: create, away: true}, reads("2")}, true},
		{"an unknown create elsewhere that came along", []one{first, {s: create, o: unknown, away: true}, reads("2")}, true},
		{"a create elsewhere that failed", []one{first, {s: create, o: failed, away: true}, reads("2")}, false},
		{"a create elsewhere that did not come along", []one{first, {s: create, away: true}, reads("1")}, true},
		{"a read elsewhere", []one{first, {s: step{kind: get}, o: seen{value: "2"}, away: true}}, true},
		{"a delete elsewhere that came along", []one{first, {s: step{kind: del}, away: true}, reads("")}, true},
		{"a write elsewhere that came and went", []one{first, {s: step{kind: put, value: "2"}, away: true}, reads("2"), reads("1")}, false},
		{"a swap", []one{first, {s: swap("1", "2")}, reads("2")}, true},
		{"a swap that takes the value away", []one{first, {s: swap("1", "")}, reads("")}, true},
		{"a swap of another value", []one{first, {s: swap("0", "2")}, reads("2")}, false},
		{"a swap refused for no reason", []one{first, {s: swap("1", "2"), o: failed}}, false},
		{"a swap refused", []one{first, {s: swap("0", "2"), o: failed}, reads("1")}, true},
		{"a swap refused that took effect", []one{first, {s: swap("0", "2"), o: failed}, reads("2")}, false},
		{"an unknown swap that took effect", []one{first, {s: swap("1", "2"), o: unknown}, reads("2")}, true},
		{"an unknown swap of another value", []one{first, {s: swap("0", "2"), o: unknown}, reads("2")}, false},
		{"a swap elsewhere that came along", []one{first, {s: swap("0", "2"), away: true}, reads("2")}, true},
	} {
		var history []porcupine.Operation
		for i, op := range test.ops {
			at := time.Duration(2 * i)
			if op, ok := told(i, op.s, op.o, at, at+1, op.away); ok {
				history = append(history, op)
			}
		}
		if got := porcupine.CheckOperations(register, history); got != test.want {
			t.Errorf("%s: got linearizable %v, want %v", test.name, got, test.want)
		}
	}
}
