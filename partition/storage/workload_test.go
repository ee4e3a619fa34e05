package storage_test

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// workload makes random changes to a store and to a model.
type workload struct {
	t        rapid.TB
	pick     func(n int) int // a number below n
	store    *storage.Store
	model    model
	batch    *storage.Batch
	maxValue int
	clock    partition.Stamp
	term     partition.Term
	// planned is called once the model has a change and before the store is told
	// of it; durable: the change must survive once the store's call has returned.
	planned func(durable bool)
}

func newWorkload(t rapid.TB, s *storage.Store, maxValue int, pick func(n int) int) *workload {
	w := &workload{
		t: t, pick: pick, store: s, batch: s.NewBatch(), maxValue: maxValue, term: 1, clock: 1000,
		planned: func(bool) {},
		model: model{
			copies: map[storage.Generation]map[partition.ID]*modelCopy{},
			meta:   map[string]string{},
		},
	}
	for g := range storage.Generation(generations) {
		w.model.copies[g] = map[partition.ID]*modelCopy{}
	}
	return w
}

// use goes on with another opening of the same store.
func (w *workload) use(s *storage.Store) { w.store, w.batch = s, s.NewBatch() }

// step makes one change; an error is the store's, and the model has the change.
func (w *workload) step() error {
	switch g := storage.Generation(w.pick(generations)); w.pick(16) {
	case 0, 1, 2:
		return w.create(g, partition.ID(w.pick(4)))
	case 3:
		return w.drop()
	case 4:
		return w.setMeta()
	case 5:
		return w.move(g, storage.Generation(w.pick(generations)))
	case 6:
		if w.pick(4) == 0 {
			return w.dropGeneration(g)
		}
		fallthrough
	case 7, 8, 9:
		return w.transfer()
	default:
		return w.write()
	}
}

// all returns the copies in a fixed order.
func (w *workload) all() (all []*modelCopy) {
	for g := range storage.Generation(generations) {
		for _, p := range slices.Sorted(maps.Keys(w.model.copies[g])) {
			all = append(all, w.model.copies[g][p])
		}
	}
	return all
}

func (w *workload) create(g storage.Generation, p partition.ID) error {
	if w.model.copies[g][p] != nil {
		return nil
	}
	w.model.slots++
	w.model.copies[g][p] = newModelCopy(w.model.slots)
	w.planned(false)
	slot, err := w.store.Create(g, p)
	if err == nil && slot != w.model.slots {
		w.t.Fatalf("created in slot %d, want %d", slot, w.model.slots)
	}
	return err
}

// commit commits the batch that fill made.
func (w *workload) commit() error {
	defer w.batch.Reset()
	if w.batch.Empty() {
		return nil
	}
	w.planned(true)
	return w.batch.Commit()
}

func (w *workload) write() error {
	all := w.all()
	for range 1 + w.pick(3) {
		if len(all) == 0 {
			break
		}
		c := all[w.pick(len(all))]
		for range w.pick(5) {
			e := w.entry(c.last())
			commit := partition.Seq(w.pick(int(c.last().Seq) + 1))
			w.batch.Append(c.slot, e, commit)
			c.entry(e, commit)
		}
		if w.pick(3) == 0 {
			upto := partition.Seq(w.pick(int(c.last().Seq) + 1))
			w.batch.Trim(c.slot, upto)
			c.trim(upto)
		}
		if w.pick(4) == 0 {
			w.mark(c)
		}
	}
	return w.commit()
}

func (w *workload) mark(c *modelCopy) {
	c.mark = nil
	if w.pick(2) == 0 {
		c.mark = &partition.Mark{Fresh: w.pick(2) == 0, Common: partition.Seq(w.pick(10))}
		for range w.pick(3) {
			c.mark.Extra = append(c.mark.Extra, w.key())
		}
	}
	w.batch.SetMark(c.slot, c.mark)
}

func (w *workload) key() []byte {
	return []byte{"abcd\x00\xff"[w.pick(6)], "abcd\x00\xff"[w.pick(6)]}[:1+w.pick(2)]
}

func (w *workload) value() []byte {
	v := make([]byte, w.pick(w.maxValue+1))
	x := uint64(w.pick(1 << 30))
	for i := range v { // noise that does not compress
		x = x*6364136223846793005 + 1442695040888963407
		v[i] = byte(x >> 56)
	}
	return v
}

func (w *workload) stamp() partition.Stamp {
	w.clock += partition.Stamp(1 + w.pick(3))
	return w.clock
}

func (w *workload) nextTerm(after partition.Term) partition.Term {
	w.term = max(w.term, after)
	if w.pick(4) == 0 {
		w.term++
	}
	return w.term
}

// entry returns one that may follow on last.
func (w *workload) entry(last partition.Label) *partition.Entry {
	e := &partition.Entry{LogRecord: partition.LogRecord{
		Label:   partition.Label{Term: w.nextTerm(last.Term), Seq: last.Seq + 1},
		Kind:    partition.EntryKind(1 + w.pick(3)),
		Import:  w.pick(4) == 0,
		Existed: w.pick(2) == 0,
		Op:      partition.OpID{Node: partition.NodeID(w.pick(9)), Incarnation: 1, Counter: uint64(w.pick(1000))},
		Stamp:   w.stamp(),
		Key:     w.key(),
	}}
	if e.Kind == partition.EntryPut {
		e.Value = w.value()
	}
	return e
}

func (w *workload) transfer() error {
	all := w.all()
	if len(all) == 0 {
		return nil
	}
	c := all[w.pick(len(all))]
	h := &storage.Head{Reset: w.pick(2) == 0}
	if h.Reset {
		if seq := partition.Seq(w.pick(20)); seq > 0 {
			h.After = partition.Label{Term: w.nextTerm(0), Seq: seq}
			h.Position.Terms = []partition.TermStart{{Term: h.After.Term, First: 1 + partition.Seq(w.pick(int(seq)))}}
		}
	} else {
		span := c.last().Seq - (c.start - 1)
		h.After = c.label(c.start - 1 + partition.Seq(w.pick(int(span)+1)))
		w.term++ // the records are not those that were cut
	}
	h.Position.Stamp, h.Position.Commit, h.Position.Last = w.stamp(), h.After.Seq, h.After
	for range w.pick(4) {
		h.Records = append(h.Records, w.entry(h.Position.Last).LogRecord)
		h.Position.Last = h.Records[len(h.Records)-1].Label
	}
	w.batch.Begin(c.slot, h)
	c.begin(h)
	for range w.pick(4) {
		k := partition.KeyState{Key: w.key(), Found: w.pick(3) > 0}
		delete(c.data, string(k.Key))
		if k.Found {
			k.Record = partition.Record{Stamp: w.stamp(), Tombstone: w.pick(3) == 0}
			if !k.Tombstone {
				k.Value = w.value()
			}
			c.data[string(k.Key)] = k.Record
		}
		w.batch.Put(c.slot, k)
	}
	w.mark(c)
	return w.commit()
}

func (w *workload) drop() error {
	for g := range storage.Generation(generations) {
		for _, p := range slices.Sorted(maps.Keys(w.model.copies[g])) {
			if w.pick(8) == 0 {
				w.batch.Drop(g, p, w.model.copies[g][p].slot)
				delete(w.model.copies[g], p)
			}
		}
	}
	return w.commit()
}

func (w *workload) meta() map[string][]byte {
	change := map[string][]byte{}
	for _, name := range metaNames {
		switch w.pick(3) {
		case 0:
			change[name] = nil
			delete(w.model.meta, name)
		case 1:
			change[name] = fmt.Append([]byte{}, w.pick(1000))
			w.model.meta[name] = string(change[name])
		}
	}
	return change
}

func (w *workload) setMeta() error {
	change := w.meta()
	w.planned(len(change) > 0) // nothing to write makes nothing durable
	return w.store.SetMeta(change)
}

// move re-homes some whole copies that have no namesake and drops the others.
func (w *workload) move(from, to storage.Generation) error {
	if from == to {
		return nil
	}
	moves := map[partition.ID]partition.Origin{}
	had := len(w.model.copies[from])
	for _, p := range slices.Sorted(maps.Keys(w.model.copies[from])) {
		c := w.model.copies[from][p]
		if c.mark == nil && w.model.copies[to][p] == nil && w.pick(4) > 0 {
			moves[p] = partition.Origin{Cluster: partition.ClusterID(w.pick(3)), Stamp: c.stamp}
			w.model.copies[to][p] = c.moved(moves[p])
		}
	}
	w.model.copies[from] = map[partition.ID]*modelCopy{}
	change := w.meta()
	w.planned(had+len(change) > 0)
	return w.store.MoveCopies(from, to, moves, change)
}

func (w *workload) dropGeneration(g storage.Generation) error {
	had := len(w.model.copies[g])
	w.model.copies[g] = map[partition.ID]*modelCopy{}
	change := w.meta()
	w.planned(had+len(change) > 0)
	return w.store.DropGeneration(g, change)
}
