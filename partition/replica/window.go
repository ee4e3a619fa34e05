package replica

import (
	"github.com/cespare/xxhash/v2"

	"pipelinedht/partition"
)

// window holds the newest entries of a reign, with who waits for them: all that
// are not committed, and those that a follower may still be sent.
// Invariant: it holds base+1, base+2, ... last() without a gap.
type window struct {
	base    partition.Seq // the last sequence that it has let go
	entries fifo[pending] // of base+1 onwards
	bytes   int

	// recent keeps hashes of the keys of the newest entries, so that an
	// operation that looked at the store can be told what it missed.
	recent []uint64 // recentKeys of them, by sequence
}

// recentKeys bounds how many entries may come between a look at the store and
// the proposal that rests on it.
const recentKeys = 256

// pending is an entry with those who wait for its commit.
type pending struct {
	// alone holds the entry and nothing else. The write that stores it and messages
	// that carry just it share the slice, so nobody edits it.
	alone []partition.Entry
	first waiter   // the one who wrote it, as a rule
	more  []waiter // after first
}

func (p *pending) entry() *partition.Entry { return &p.alone[0] }

// await adds one who waits.
func (p *pending) await(w waiter) {
	if p.first.kind == nobody {
		p.first = w
	} else {
		p.more = append(p.more, w)
	}
}

// leave takes all who wait, and passes each to answer.
func (p *pending) leave(answer func(waiter)) {
	first, more := p.first, p.more
	p.first, p.more = waiter{}, nil
	if first.kind != nobody {
		answer(first)
	}
	for _, w := range more {
		answer(w)
	}
}

type waitKind uint8

const (
	nobody        waitKind = iota
	waitWrite              // for the entry's own outcome
	waitRead               // for the record that the entry makes
	waitUnchanged          // for an outcome that rests on the entry and changes nothing
)

type waiter struct {
	ticket  Ticket
	kind    waitKind
	outcome partition.Outcome // waitUnchanged
}

// reads reports whether the waiter's answer is a read and needs running leases.
func (w waiter) reads() bool { return w.kind != waitWrite }

// state returns the record that the entry leaves.
func (p *pending) state() partition.KeyState {
	e := p.entry()
	s := partition.KeyState{Key: e.Key, Found: e.Kind != partition.EntryDelete}
	if s.Found {
		s.Record = partition.Record{
			Stamp: e.Stamp, Tombstone: e.Kind == partition.EntryTombstone, Value: e.Value,
		}
	}
	return s
}

// outcome returns what the client that wrote the entry is told.
func (p *pending) outcome(commit partition.Seq) partition.Outcome {
	r := &p.entry().LogRecord
	return executed{stamp: r.Stamp, kind: r.Kind, existed: r.Existed}.outcome(commit)
}

// reset empties the window behind base.
func (w *window) reset(base partition.Seq) { *w = window{base: base} }

func (w *window) last() partition.Seq { return w.base + partition.Seq(w.entries.len()) }

// at returns an entry that the window holds.
func (w *window) at(seq partition.Seq) *pending {
	return w.entries.at(int(seq-w.base) - 1)
}

// push adds the entry that alone holds.
func (w *window) push(alone []partition.Entry) *pending {
	e := &alone[0]
	w.bytes += e.Size()
	if w.recent == nil {
		w.recent = make([]uint64, recentKeys)
	}
	w.recent[e.Label.Seq%recentKeys] = xxhash.Sum64(e.Key)
	return w.entries.push(pending{alone: alone})
}

// drop lets go of entries up to and including upto.
func (w *window) drop(upto partition.Seq) {
	for w.base < upto && w.entries.len() > 0 {
		w.bytes -= w.entries.at(0).entry().Size()
		w.entries.pop()
		w.base++
	}
}

// touched reports whether an entry after seq may have written the key; last is
// the newest sequence of the log.
func (w *window) touched(key []byte, seq, last, first partition.Seq) bool {
	if seq+1 < first || last-seq > recentKeys {
		return last != seq
	}
	h := xxhash.Sum64(key)
	for s := seq + 1; s <= last; s++ {
		if w.recent[s%recentKeys] == h {
			return true
		}
	}
	return false
}
