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

// ranked is an Input with its place among those that name a version.
type ranked struct {
	Input
	names bool // a version, and so has to wait for
	after int  // as many: all that name a lower one
}

// versioned is a state with the number of operations so far that name a version.
type versioned struct {
	state
	named int
}

// model is one register: histories are checked key by key, after rank.
var model = porcupine.Model{
	Init: func() any { return versioned{} },
	Step: func(s, in, out any) (bool, any) {
		from, op := s.(versioned), in.(ranked)
		if op.names && from.named < op.after {
			return false, from
		}
		if op.names {
			from.named++
		}
		ok, to := step(from.state, op.Input, out.(Output))
		return ok, versioned{to, from.named}
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in.(ranked).Input, out) },
	DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s.(versioned).state) },
}

// rank returns the operations of one key as model takes them.
func rank(history []porcupine.Operation) ([]porcupine.Operation, error) {
	versions := make([]uint64, 0, len(history))
	of := make([]uint64, len(history)) // 0: none is named
	for i, op := range history {
		tag := names(op.Input.(Input), op.Output.(Output))
		if tag == "" {
			continue
		}
		version, err := strconv.ParseUint(strings.Trim(tag, `"`), 10, 64)
		if err != nil || version == 0 {
			return nil, fmt.Errorf("operation %+v: %s is no version", op, tag)
		}
		of[i], versions = version, append(versions, version)
	}
	slices.Sort(versions)
	all := slices.Clone(history)
	for i := range all {
		in := ranked{Input: all[i].Input.(Input)}
		if of[i] != 0 {
			in.names = true
			in.after, _ = slices.BinarySearch(versions, of[i])
		}
		all[i].Input = in
	}
	return all, nil
}

// names returns the tag of the value that an operation left or saw: "" where that is
// not known, or there was none.
func names(in Input, out Output) string {
	switch {
	case out.Unknown:
		return ""
	case in.Kind == RemoveMatch && !out.Refused:
		return in.Tag
	}
	return out.Tag
}
