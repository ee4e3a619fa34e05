package node

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"pipelinedht/partition"
	"pipelinedht/tests/register"
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

// told returns a step and what came of it as the history of the registers has them; ok
// is false where they tell nothing of them. What a node that was away did in another
// cluster is no part of them. But its writes may come along with it later, as the latest
// ones: they stay open, and their conditions were on other registers.
func told(s step, o seen, away bool) (in register.Input, out register.Output, ok bool) {
	unknown := errors.Is(o.err, partition.ErrUnknown)
	if o.err != nil && !unknown || s.kind == get && (unknown || away) || away && o.failed {
		return in, out, false
	}
	in = register.Input{Kind: s.recorded(), Key: s.key, Value: s.value}
	switch {
	case away:
		in.Kind = in.Kind.Unconditional()
	case s.kind == swap:
		in.Tag = tagOf(s.expect.stamp)
	}
	if away || unknown {
		return in, register.Output{Unknown: true}, true
	}
	out = register.Output{Refused: o.failed, Found: o.value != "" || o.existed, Value: o.value}
	if s.kind != del {
		out.Tag = tagOf(o.stamp)
	}
	return in, out, true
}

func (s step) recorded() register.Kind {
	switch {
	case s.kind == get:
		return register.Read
	case s.kind == put:
		return register.Write
	case s.kind == create:
		return register.Create
	case s.kind == del:
		return register.Remove
	case s.value == "":
		return register.RemoveMatch
	}
	return register.Replace
}

func tagOf(s partition.Stamp) string {
	if s == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(s), 10)
}

func TestTheHistoryTellsWritesApartThatCameAlong(t *testing.T) {
	type one struct {
		s    step
		o    seen
		away bool
	}
	const stamp = 7 // of the value "1"
	unknown, failed := seen{err: partition.ErrUnknown}, seen{failed: true, stamp: stamp}
	first := one{s: step{kind: put, value: "1"}, o: seen{stamp: stamp}}
	stamps := map[string]partition.Stamp{"0": stamp - 1, "1": stamp, "2": stamp + 1}
	reads := func(value string) one {
		return one{s: step{kind: get}, o: seen{value: value, stamp: stamps[value]}}
	}
	create := step{kind: create, value: "2"}
	swap := func(from, to string) step {
		return step{kind: swap, value: to, expect: sighting{from, stamps[from]}}
	}
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
		h := register.NewHistory()
		for i, op := range test.ops {
			if in, out, ok := told(op.s, op.o, op.away); ok {
				h.Record(i, in, out, h.Now())
			}
		}
		faults, err := h.Check(t.TempDir)
		if got := len(faults) == 0; err != nil || got != test.want {
			t.Errorf("%s: got linearizable %v, want %v; %v", test.name, got, test.want, err)
		}
	}
}
