// Package register is the model that the histories of keys are judged by: each
// key is one linearizable register, whose value bears a tag (its ETag) that
// conditional writes name.
//
//	model.go     what a register may do
//	versions.go  in which order, by the versions that are named
//	open.go      what is known of operations whose outcome is not
//	history.go   what clients asked and were told, and the check of it
package register

import "fmt"

// Kind says what was asked of a key.
type Kind uint8

const (
	Read        Kind = iota
	Write            // of a value that nobody else writes
	Remove           // the key
	Create           // a Write if the key has no value
	Replace          // a Write if the key's value has a certain tag
	RemoveMatch      // a Remove if the key's value has a certain tag
)

func (k Kind) String() string {
	return [...]string{"read", "write", "remove", "create", "replace", "remove match"}[k]
}

// Unconditional is the kind without its condition.
func (k Kind) Unconditional() Kind {
	switch k {
	case Create, Replace:
		return Write
	case RemoveMatch:
		return Remove
	}
	return k
}

// Input is what a client asked of one key.
type Input struct {
	Kind  Kind
	Key   string
	Value string // Write, Create, Replace
	Tag   string // Replace, RemoveMatch: the tag that is demanded
}

// Output is what it was told.
type Output struct {
	Unknown bool   // no answer, or one that tells nothing: it may have happened
	Refused bool   // the condition did not hold
	Found   bool   // Read: the key has a value; Remove: it had one
	Value   string // Read
	Tag     string // of the value that is there after the operation; "": none
}

// state is that of one key. Values are unique, so a tag that is not yet known
// (that of a write whose answer was lost) is learnt from the first answer that
// has it.
type state struct {
	found      bool
	value, tag string // tag "": not known
}

// step says whether the register may answer so, and what it is afterwards.
func step(s state, in Input, out Output) (bool, state) {
	switch in.Kind {
	case Read:
		if !out.Found {
			return !s.found, s
		}
		return s.bears(out.Value, out.Tag), state{true, out.Value, out.Tag}
	case Write:
		return true, state{true, in.Value, out.Tag}
	case Remove:
		return out.Unknown || out.Found == s.found, state{}
	case Create:
		return conditional(s, !s.found, s.found, out, state{true, in.Value, out.Tag})
	case Replace:
		return conditional(s, s.mayBear(in.Tag), s.mayLack(in.Tag), out, state{true, in.Value, out.Tag})
	case RemoveMatch:
		return conditional(s, s.mayBear(in.Tag), s.mayLack(in.Tag), out, state{})
	}
	panic(fmt.Sprintf("operation of no kind: %+v", in))
}

// conditional is a step to next where the condition holds. It may both hold and
// not hold where the register's tag is not known. An operation of unknown outcome
// changes nothing where its condition does not hold; where it holds but nothing
// happened, the operation can be put at the end of the history.
func conditional(s state, mayHold, mayFail bool, out Output, next state) (bool, state) {
	switch {
	case out.Unknown && mayHold:
		return true, next
	case out.Unknown:
		return true, s
	case !out.Refused:
		return mayHold, next
	case !s.found:
		return mayFail && out.Tag == "", s
	}
	return mayFail && s.bears(s.value, out.Tag), state{true, s.value, out.Tag}
}

func (s state) bears(value, tag string) bool {
	return s.found && s.value == value && (s.tag == tag || s.tag == "")
}

func (s state) mayBear(tag string) bool { return s.found && (s.tag == tag || s.tag == "") }

func (s state) mayLack(tag string) bool { return !s.found || s.tag != tag || s.tag == "" }
