package linearizability_test

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

type kind uint8

const (
	read        kind = iota
	write            // of a value that nobody else writes
	remove           // the key
	create           // a write if the key has no value
	replace          // a write if the key's value has a certain tag
	removeMatch      // a remove if the key's value has a certain tag
)

// unconditional is what an operation of unknown outcome is taken for: whoever
// judged its condition may have been a lonely node.
func (k kind) unconditional() kind {
	switch k {
	case create, replace:
		return write
	case removeMatch:
		return remove
	}
	return k
}

// input is what a client asked of one key.
type input struct {
	kind  kind
	key   string
	value string // write, create, replace
	tag   string // replace, removeMatch: the ETag that is demanded
}

// output is what it was told.
type output struct {
	unknown bool   // no answer, or one that tells nothing: it may have happened
	refused bool   // the condition did not hold
	found   bool   // read: the key has a value
	value   string // read
	tag     string // read: the value's ETag; write, create, replace: the new one
}

// register is the state of one key. Values are unique, so a tag that is not yet
// known (that of a write whose answer was lost) is learnt from the first read.
type register struct {
	found      bool
	value, tag string // tag "": not known
}

// model is one register: the test's histories are checked key by key.
var model = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, in, out any) (bool, any) {
		return step(state.(register), in.(input), out.(output))
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
	DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
}

// step says whether the register may answer so, and what it is afterwards.
func step(r register, in input, out output) (bool, register) {
	switch in.kind {
	case read:
		if !out.found {
			return !r.found, r
		}
		if !r.found || r.value != out.value || r.tag != "" && r.tag != out.tag {
			return false, r
		}
		return true, register{true, out.value, out.tag}
	case write:
		return true, register{true, in.value, out.tag}
	case remove:
		return true, register{}
	case create:
		return conditional(r, !r.found, r.found, out, register{true, in.value, out.tag})
	case replace:
		return conditional(r, r.couldBear(in.tag), !r.mustBear(in.tag), out, register{true, in.value, out.tag})
	case removeMatch:
		return conditional(r, r.couldBear(in.tag), !r.mustBear(in.tag), out, register{})
	}
	panic(fmt.Sprintf("operation of no kind: %+v", in))
}

// conditional is a step that leads to next where the condition holds; it may both
// hold and fail where the register's tag is not known.
func conditional(r register, mayHold, mayFail bool, out output, next register) (bool, register) {
	if out.refused {
		return mayFail, r
	}
	return mayHold, next
}

func (r register) couldBear(tag string) bool { return r.found && (r.tag == tag || r.tag == "") }

func (r register) mustBear(tag string) bool { return r.found && r.tag == tag }
