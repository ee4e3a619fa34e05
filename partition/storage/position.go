package storage

import (
	"fmt"
	"slices"

	"pipelinedht/partition"
)

// How a change of a copy moves its partition.Position. Terms slices are shared
// between positions and never edited in place.
//
// Invariant: Terms is empty if and only if Last.Seq is 0; else Terms[0] covers
// max(LogStart-1, 1), the last one covers Last, and both First and Term ascend.

// extend takes in the record after the last one.
func extend(pos *partition.Position, r *partition.LogRecord, commit partition.Seq) error {
	last, next := pos.Last, r.Label
	if next.Seq != last.Seq+1 || next.Term < last.Term {
		return fmt.Errorf("entry %s after %s: %w", next, last, ErrMisfit)
	}
	if len(pos.Terms) == 0 || next.Term != last.Term {
		pos.Terms = append(slices.Clip(pos.Terms), partition.TermStart{Term: next.Term, First: next.Seq})
	}
	pos.Last = next
	if !r.Import {
		pos.Stamp = max(pos.Stamp, r.Stamp)
	}
	pos.Commit = max(pos.Commit, commit)
	return nil
}

// trim forgets the log up to and including upto, which lies in it.
func trim(pos *partition.Position, upto partition.Seq) {
	pos.LogStart = upto + 1
	for len(pos.Terms) > 1 && pos.Terms[1].First <= upto {
		pos.Terms = pos.Terms[1:]
	}
}

// cut forgets the log after label, which must be in it or just before it.
func cut(pos *partition.Position, after partition.Label) error {
	if after.Seq > pos.Last.Seq || after.Seq+1 < pos.LogStart || termAt(pos.Terms, after.Seq).Term != after.Term {
		return fmt.Errorf("a log from %d to %s cannot be cut after %s: %w", pos.LogStart, pos.Last, after, ErrMisfit)
	}
	pos.Last = after
	pos.Commit = min(pos.Commit, after.Seq)
	for len(pos.Terms) > 0 && pos.Terms[len(pos.Terms)-1].First > after.Seq {
		pos.Terms = pos.Terms[:len(pos.Terms)-1]
	}
	return nil
}

// startAt returns the position of a copy whose log begins after label, under
// terms that another copy has.
func startAt(after partition.Label, terms []partition.TermStart) (partition.Position, error) {
	pos := partition.Position{Last: after, LogStart: after.Seq + 1}
	t := termAt(terms, after.Seq)
	if t.Term != after.Term {
		return pos, fmt.Errorf("a log cannot begin after %s with terms %v: %w", after, terms, ErrMisfit)
	}
	if after.Seq > 0 {
		pos.Terms = []partition.TermStart{t}
	}
	return pos, nil
}

// termAt returns the term that covers seq; zero where none does.
func termAt(terms []partition.TermStart, seq partition.Seq) partition.TermStart {
	for _, t := range slices.Backward(terms) {
		if t.First <= seq {
			return t
		}
	}
	return partition.TermStart{}
}
