package replica

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"pipelinedht/partition"
)

// truth is what an all-seeing observer knows: the history W of each partition,
// and every entry that was ever stored.
type truth struct {
	err      error
	keys     [simPartitions][]string
	w        [simPartitions][]fact
	entries  map[partition.ID]map[partition.Label]link
	ops      map[partition.OpID]partition.Label
	never    map[partition.OpID]bool
	reigns   [simPartitions]partition.Term // the latest term that was recovered
	reads    int
	writes   int
	commits  int
	transfer int
	rotten   int // copies found damaged by a running node
}

// fact is an entry of W with the time when it was first committed.
type fact struct {
	link
	at time.Duration
}

// link is an entry with the label before it.
type link struct {
	prev  partition.Label
	entry partition.Entry
}

func newTruth() *truth {
	t := &truth{
		entries: map[partition.ID]map[partition.Label]link{},
		ops:     map[partition.OpID]partition.Label{},
		never:   map[partition.OpID]bool{},
	}
	for i := 0; ; i++ {
		key := fmt.Sprintf("k%d", i)
		id := partition.Of([]byte(key), simPartitions)
		if len(t.keys[id]) < simKeys {
			t.keys[id] = append(t.keys[id], key)
		}
		full := true
		for _, k := range t.keys {
			full = full && len(k) == simKeys
		}
		if full {
			break
		}
	}
	for id := range partition.ID(simPartitions) {
		t.entries[id] = map[partition.Label]link{}
	}
	return t
}

func (t *truth) fail(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
	}
}

// chain notes an entry that a store takes in. Invariant 6: equal label, equal
// entry, equal prefix.
func (t *truth) chain(id partition.ID, prev partition.Label, e partition.Entry) {
	known, ok := t.entries[id][e.Label]
	if !ok {
		t.entries[id][e.Label] = link{prev, e}
		return
	}
	k := known.entry
	if known.prev != prev || k.Op != e.Op || k.Stamp != e.Stamp || k.Kind != e.Kind || string(k.Key) != string(e.Key) || string(k.Value) != string(e.Value) {
		t.fail("invariant 6: partition %d: label %v names two entries: after %v and after %v", id, e.Label, known.prev, prev)
	}
}

// replay returns the data after the entry with that label.
func (t *truth) replay(id partition.ID, at partition.Label) (map[string]partition.Record, bool) {
	var list []partition.Entry
	for at.Seq > 0 {
		l, ok := t.entries[id][at]
		if !ok {
			return nil, false
		}
		list = append(list, l.entry)
		at = l.prev
	}
	d := &diskCopy{data: map[string]partition.Record{}}
	for _, e := range slices.Backward(list) {
		d.append(e.LogRecord, e.Value)
	}
	return d.data, true
}

func sameData(a, b map[string]partition.Record) bool {
	return maps.EqualFunc(a, b, func(x, y partition.Record) bool {
		return x.Stamp == y.Stamp && x.Tombstone == y.Tombstone && string(x.Value) == string(y.Value)
	})
}

// observe adds to W what primaries have committed since.
func (w *world) observe() {
	t := w.truth
	for _, n := range w.nodes {
		if n.core == nil {
			continue
		}
		for _, c := range n.core.copies {
			if c == nil || c.lead == nil || c.lead.phase != serving {
				continue
			}
			if c.lead.term > t.reigns[c.id] {
				t.reigns[c.id] = c.lead.term
				w.checkRecovered(n, c)
			}
			for seq := partition.Seq(len(t.w[c.id])) + 1; seq <= c.commit; seq++ {
				w.commitFact(n, c, seq)
			}
		}
	}
}

// commitFact adds one entry to W. Invariants 3 and 11.
func (w *world) commitFact(n *simNode, c *replica, seq partition.Seq) {
	t := w.truth
	at, ok := n.disk[c.id].label(seq)
	l, known := t.entries[c.id][at]
	if !ok || !known {
		t.fail("invariant 3: node %d committed %d/%d without having stored it", n.id, c.id, seq)
		return
	}
	for _, id := range c.row.InSync {
		if d := w.node(id).disk[c.id]; d == nil || d.last().Seq < seq {
			t.fail("invariant 3: node %d committed %v of partition %d, which node %d has not stored", n.id, at, c.id, id)
		}
	}
	if op := l.entry.Op; op != (partition.OpID{}) {
		if before, twice := t.ops[op]; twice {
			t.fail("invariant 11: operation %v is in W twice, as %v and %v", op, before, at)
		}
		if t.never[op] {
			t.fail("invariant 11: operation %v is in W though its client was told that nothing happened", op)
		}
		t.ops[op] = at
	}
	t.w[c.id] = append(t.w[c.id], fact{l, w.now})
	t.commits++
}

// label returns the label at seq, where the log has it.
func (d *diskCopy) label(seq partition.Seq) (partition.Label, bool) {
	if d == nil || seq > d.last().Seq || seq < d.base.Seq {
		return partition.Label{}, false
	}
	if seq == d.base.Seq {
		return d.base, true
	}
	return d.log[seq-d.base.Seq-1].Label, true
}

// checkRead judges what a call was told of its key: invariant 14.
func (t *truth) checkRead(w *world, k *simCall, found bool, stamp partition.Stamp) {
	t.reads++
	state, since := partition.KeyState{}, time.Duration(0)
	matches := func(until time.Duration) bool {
		alive := state.Found && !state.Tombstone
		return until >= k.began && since <= w.now && alive == found && (!found || state.Stamp == stamp)
	}
	for _, f := range t.w[k.partition] {
		if string(f.entry.Key) != string(k.op.Key) {
			continue
		}
		if matches(f.at) {
			return
		}
		p := pending{alone: []partition.Entry{f.entry}}
		state, since = p.state(), f.at
	}
	if !matches(w.now) {
		t.fail("invariant 14: a call from %v to %v on %s was told found=%v stamp=%d; the last record is found=%v stamp=%d since %v",
			k.began, w.now, k.op.Key, found, stamp, state.Found, state.Stamp, since)
	}
}

// checkWrite judges a write's outcome.
func (t *truth) checkWrite(w *world, k *simCall, out partition.Outcome) {
	t.writes++
	for _, id := range k.ids {
		at, ok := t.ops[id]
		if !ok {
			continue
		}
		f := t.w[k.partition][at.Seq-1]
		if f.at < k.began || f.entry.Kind == partition.EntryPut && out.Stamp != f.entry.Stamp || out.Failed {
			t.fail("operation %v is %v, committed at %v, called at %v, but was answered %+v", id, at, f.at, k.began, out)
		}
		return
	}
	switch k.op.Kind {
	case partition.OpImport, partition.OpImportDelete:
		return // an older one changes nothing, and one with the same stamp is the record already
	case partition.OpSweep:
		return // what is no tombstone stays
	}
	if !out.Failed && k.op.Kind != partition.OpDelete {
		t.fail("operation %v was answered %+v but is not in W", k.op.ID, out)
		return
	}
	t.checkRead(w, k, out.Existed, out.Stamp)
}
