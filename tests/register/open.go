package register

import (
	"cmp"
	"math"
	"slices"

	"github.com/anishathalye/porcupine"
)

// An operation of unknown outcome may take effect at any time from its call on, or
// never, which is to say at the end. So each of them makes for twice as many histories.
// They need not all be tried:
//
//   - One whose value was read took effect before that read returned. It is as good as
//     one that was answered. The others, that nobody has seen, are open:
//   - Of those that ask for the same, which nobody can tell apart, the one that was
//     called first may as well be the first to take effect.
//   - One that changes nothing may as well take effect at the end; and so may one whose
//     effect is gone with the next operation, a write that goes by no condition.

// unread is the value of all open writes.
const unread = "(nobody has read it)"

// none is the class of operations that are not open.
const none = -1

// maxTurns bounds a class, so that one byte counts it.
const maxTurns = math.MaxUint8

// alike is what operations have in common that nobody can tell apart.
type alike struct {
	kind  Kind
	tag   string
	group int // of maxTurns
}

// settle sorts out which of the operations of one key, as rank returns them, are open.
func settle(ops []porcupine.Operation) {
	read := firstReads(ops)
	var open []int
	for i, op := range ops {
		in := op.Input.(ranked)
		if !op.Output.(Output).Unknown {
			continue
		}
		writes := in.Kind.Unconditional() == Write
		if until, seen := read[in.Value]; writes && seen {
			ops[i].Return = max(op.Call, until)
			continue
		}
		if writes {
			in.Value = unread
			ops[i].Input = in
		}
		open = append(open, i)
	}
	slices.SortStableFunc(open, func(a, b int) int { return cmp.Compare(ops[a].Call, ops[b].Call) })
	classes, sizes := make(map[alike]int), make(map[alike]int)
	for _, i := range open {
		in := ops[i].Input.(ranked)
		which := alike{kind: in.Kind, tag: in.Tag}
		size := sizes[which]
		sizes[which]++
		which.group, in.turn = size/maxTurns, size%maxTurns
		if _, known := classes[which]; !known {
			classes[which] = len(classes)
		}
		in.class = classes[which]
		ops[i].Input = in
	}
	for i := range ops {
		in := ops[i].Input.(ranked)
		in.closed = len(ops) - len(open)
		ops[i].Input = in
	}
}

// firstReads returns when the first read of each value returned.
func firstReads(ops []porcupine.Operation) map[string]int64 {
	first := make(map[string]int64)
	for _, op := range ops {
		out := op.Output.(Output)
		if op.Input.(ranked).Kind != Read || !out.Found {
			continue
		}
		if at, known := first[out.Value]; !known || op.Return < at {
			first[out.Value] = op.Return
		}
	}
	return first
}

// settled is a state with what has taken effect of the open operations and the others.
type settled struct {
	state
	closed int    // how many that are not open
	turns  string // of each class how many, one byte each
	open   bool   // the last one was open
}

// follow returns the state after an operation that leads to another one; ok: it need
// not be left for later.
func (s settled) follow(op ranked, to state) (after settled, ok bool) {
	blind := op.Kind == Write || op.Kind == Remove && op.class != none
	end := s.closed == op.closed
	after = settled{to, s.closed, s.turns, op.class != none}
	switch {
	case s.open && blind && !end:
		return s, false
	case op.class == none:
		after.closed++
		return after, true
	case to == s.state && !end:
		return s, false
	}
	counts := []byte(s.turns)
	for len(counts) <= op.class {
		counts = append(counts, 0)
	}
	if int(counts[op.class]) != op.turn {
		return s, false
	}
	counts[op.class]++
	after.turns = string(counts)
	return after, true
}
