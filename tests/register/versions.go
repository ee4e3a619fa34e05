package register

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/anishathalye/porcupine"
)

// Tags of a key are versions, and rise from one of its values to the next. That is a
// law of its own, and it makes long histories easy to judge: whoever names a version
// comes after all who name a lower one. Without it thirty clients that a fault holds
// up together can be put in more orders than can be tried.
//
// It goes for values whose writer was told the version. Others may have been written
// to a node while it stood alone, and come along at its next join: then they are older
// than what was there and has been deleted.

// ranked is an Input with its place among those that name a version, and among those
// that are open.
type ranked struct {
	Input
	names bool // a version, and so has to wait for
	after int  // as many: all that name a lower one

	class, turn int // it is the turn-th, from 0 on, of a class of open ones
	closed      int // how many of all are not open
}

// versioned is a state with the number of operations so far that name a version.
type versioned struct {
	settled
	named int
}

// model is one register: histories are checked key by key, after rank and settle.
var model = porcupine.Model{
	Init: func() any { return versioned{} },
	Step: func(s, in, out any) (bool, any) {
		from, op := s.(versioned), in.(ranked)
		if op.names && from.named < op.after {
			return false, from
		}
		ok, to := step(from.state, op.Input, out.(Output))
		if !ok {
			return false, from
		}
		from.settled, ok = from.follow(op, to)
		if op.names {
			from.named++
		}
		return ok, from
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in.(ranked).Input, out) },
	DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s.(versioned).state) },
}

// rank returns the operations of one key as model takes them.
func rank(history []porcupine.Operation) ([]porcupine.Operation, error) {
	told := make(map[string]bool)
	for _, op := range history {
		in, out := op.Input.(Input), op.Output.(Output)
		if in.Kind.Unconditional() == Write && !out.Unknown && !out.Refused && out.Tag != "" {
			told[out.Tag] = true
		}
	}
	all := slices.Clone(history)
	versions := make([]uint64, 0, len(all))
	of := make([]uint64, len(all))
	for i, op := range history {
		in := op.Input.(Input)
		tag := tagNamed(in, op.Output.(Output))
		if told[tag] {
			version, err := strconv.ParseUint(strings.Trim(tag, `"`), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("operation %+v: the tag is no version: %w", op, err)
			}
			of[i], versions = version, append(versions, version)
		}
		all[i].Input = ranked{Input: in, names: told[tag], class: none, closed: len(all)}
	}
	slices.Sort(versions)
	for i := range all {
		if in := all[i].Input.(ranked); in.names {
			in.after, _ = slices.BinarySearch(versions, of[i])
			all[i].Input = in
		}
	}
	return all, nil
}

// tagNamed returns the tag of the value that an operation left or saw: "" where that
// is not known, or there was none.
func tagNamed(in Input, out Output) string {
	switch {
	case out.Unknown:
		return ""
	case in.Kind == RemoveMatch && !out.Refused:
		return in.Tag
	}
	return out.Tag
}
