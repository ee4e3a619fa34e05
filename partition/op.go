package partition

import (
	"errors"
	"fmt"
)

// OpKind says what a client asks for.
type OpKind uint8

const (
	OpPut          OpKind = iota + 1 // set the value
	OpDelete                         // remove the key
	OpImport                         // set the value, unless the key has a later record or tombstone
	OpImportDelete                   // leave a tombstone, unless the key has a later record or tombstone
	OpSweep                          // remove the key's record if it is a tombstone
)

// Condition that an operation is made under, judged on the latest state of the
// key. The zero Condition always holds.
type Condition struct {
	// IfAbsent: the key must have no value (If-None-Match: *).
	IfAbsent bool
	// IfPresent: the key must have a value (If-Match: *).
	IfPresent bool
	// IfStamp: the key's value must bear one of these (If-Match). Nil: no demand.
	IfStamp []Stamp
}

// Always reports whether the condition demands nothing.
func (c Condition) Always() bool { return !c.IfAbsent && !c.IfPresent && c.IfStamp == nil }

// Holds judges the condition on a key that has (found) a live record with stamp.
func (c Condition) Holds(found bool, stamp Stamp) bool {
	if c.IfAbsent && found || c.IfPresent && !found {
		return false
	}
	if c.IfStamp == nil {
		return true
	}
	for _, s := range c.IfStamp {
		if found && s == stamp {
			return true
		}
	}
	return false
}

// Op is one write as it travels from the node that took it to the primary.
type Op struct {
	ID OpID
	// Term that the sender believes the partition has: another primary, or the
	// same one in another reign, refuses the op, so a straggler does nothing.
	Term Term
	// Attempt counts the sendings of this ID, from 1.
	Attempt int
	// Floor: a commit sequence of the partition, heard of before ID was first sent:
	// the op is not up to there. A primary whose memory of ids does not reach back to
	// it refuses the op.
	Floor Seq
	// Renamed: an ID before this one was refused for its floor. So this one is taken
	// even where the primary's successor could not tell its repetition.
	Renamed   bool
	Kind      OpKind
	Condition Condition
	Stamp     Stamp // imports: the record's own
	// Since, unless 0, is a ring version that the primary must have applied:
	// imports name the one that brought the joiner, from which on deletes leave
	// tombstones and stamps are above all that is imported.
	Since Version
	Key   []byte
	Value []byte
}

// Looks reports whether what the operation does depends on the key's record.
func (o *Op) Looks() bool { return o.Kind != OpPut || !o.Condition.Always() }

// Outcome of an operation that was carried out, or refused by its condition.
type Outcome struct {
	// Failed: the condition did not hold, or an import found a later record.
	Failed bool
	// Existed: the key had a live record before.
	Existed bool
	// Stamp of the key's record after the operation (or as it stands, if
	// Failed); 0 where it has none.
	Stamp Stamp
	// Commit: a commit sequence of the partition, for later floors.
	Commit Seq
}

// Errors that cross the wire. Each says whether the operation took effect; wrap
// them with detail.
var (
	// ErrUnavailable: nothing took effect and nothing will; try again later.
	ErrUnavailable = errors.New("unavailable, nothing took effect")
	// ErrNoSpace: nothing took effect and nothing will before there is more space on
	// a disk, so it is not tried again. It wraps ErrUnavailable.
	ErrNoSpace = fmt.Errorf("%w: no disk space", ErrUnavailable)
	// ErrNotPrimary: nothing took effect; this node does not serve the
	// partition. Look at a newer map and try the primary.
	ErrNotPrimary = errors.New("not the primary, nothing took effect")
	// ErrFloor: nothing took effect under this attempt; the primary cannot tell
	// whether an earlier attempt did.
	ErrFloor = errors.New("operation id too old")
	// ErrUnknown: the operation may or may not take effect.
	ErrUnknown = errors.New("outcome unknown")
)
