package storage_test

import (
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// model is what a store should hold, kept in maps.
type model struct {
	copies map[storage.Generation]map[partition.ID]*modelCopy
	meta   map[string]string
	slots  storage.Slot // given so far
}

// modelCopy remembers every label since the copy began, trimmed or not.
type modelCopy struct {
	slot   storage.Slot
	origin partition.Origin

	base   partition.TermStart // term of the label before labels, and its first sequence
	before partition.Seq       // sequence of that label; 0: none
	labels []partition.Label
	start  partition.Seq // of the log

	log    map[partition.Seq]partition.LogRecord
	data   map[string]partition.Record
	stamp  partition.Stamp
	commit partition.Seq
	mark   *partition.Mark
}

func newModelCopy(slot storage.Slot) *modelCopy {
	return &modelCopy{
		slot: slot, start: 1,
		log: map[partition.Seq]partition.LogRecord{}, data: map[string]partition.Record{},
	}
}

func (c *modelCopy) last() partition.Label { return c.label(c.before + partition.Seq(len(c.labels))) }

func (c *modelCopy) label(seq partition.Seq) partition.Label {
	if seq == c.before {
		return partition.Label{Term: c.base.Term, Seq: seq}
	}
	return c.labels[seq-c.before-1]
}

// terms returns the terms from the one that covers start-1 on.
func (c *modelCopy) terms() []partition.TermStart {
	var all []partition.TermStart
	if c.before > 0 {
		all = append(all, c.base)
	}
	for _, l := range c.labels {
		if len(all) == 0 || all[len(all)-1].Term != l.Term {
			all = append(all, partition.TermStart{Term: l.Term, First: l.Seq})
		}
	}
	for len(all) > 1 && all[1].First < c.start {
		all = all[1:]
	}
	return all
}

func (c *modelCopy) position() partition.Position {
	return partition.Position{
		Last: c.last(), LogStart: c.start, Terms: c.terms(), Stamp: c.stamp, Commit: c.commit, Mark: c.mark,
	}
}

func (c *modelCopy) record(r partition.LogRecord) {
	c.labels = append(c.labels, r.Label)
	c.log[r.Label.Seq] = r
	if !r.Import {
		c.stamp = max(c.stamp, r.Stamp)
	}
}

func (c *modelCopy) entry(e *partition.Entry, commit partition.Seq) {
	c.record(e.LogRecord)
	c.commit = max(c.commit, commit)
	key := string(e.Key)
	switch e.Kind {
	case partition.EntryPut:
		c.data[key] = partition.Record{Stamp: e.Stamp, Value: e.Value}
	case partition.EntryTombstone:
		c.data[key] = partition.Record{Stamp: e.Stamp, Tombstone: true}
	case partition.EntryDelete:
		delete(c.data, key)
	}
}

func (c *modelCopy) trim(upto partition.Seq) {
	for ; c.start <= upto; c.start++ {
		delete(c.log, c.start)
	}
}

func (c *modelCopy) begin(h *storage.Head) {
	if h.Reset {
		slot, origin := c.slot, c.origin
		*c = *newModelCopy(slot)
		c.origin, c.before, c.start = origin, h.After.Seq, h.After.Seq+1
		if h.After.Seq > 0 {
			c.base = h.Position.Terms[0]
		}
	}
	for seq := h.After.Seq + 1; seq <= c.last().Seq; seq++ {
		delete(c.log, seq)
	}
	c.labels = c.labels[:h.After.Seq-c.before]
	c.stamp = max(c.stamp, h.Position.Stamp)
	c.commit = max(min(c.commit, h.After.Seq), h.Position.Commit)
	for _, r := range h.Records {
		c.record(r)
	}
}

func (c *modelCopy) moved(origin partition.Origin) *modelCopy {
	m := newModelCopy(c.slot)
	last := c.last().Seq
	m.origin, m.data, m.stamp, m.commit = origin, c.data, c.stamp, last
	m.before, m.start = last, last+1
	m.base = partition.TermStart{First: 1}
	return m
}

// draw prints a copy.
func (c *modelCopy) draw(out *strings.Builder, g storage.Generation, p partition.ID) {
	fmt.Fprintf(out, "copy %d/%d slot %d origin %v %s\n", g, p, c.slot, c.origin, describe(c.position()))
	for _, key := range slices.Sorted(maps.Keys(c.data)) {
		drawKey(out, []byte(key), c.data[key])
	}
	for _, key := range slices.Sorted(maps.Keys(c.data)) {
		if c.data[key].Tombstone {
			fmt.Fprintf(out, "tombstone %x\n", key)
		}
	}
	for _, seq := range slices.Sorted(maps.Keys(c.log)) {
		fmt.Fprintln(out, c.log[seq])
	}
}

func drawKey(out *strings.Builder, key []byte, r partition.Record) {
	fmt.Fprintf(out, "%x: %d %t %d bytes %08x\n", key, r.Stamp, r.Tombstone, len(r.Value), crc32.ChecksumIEEE(r.Value))
}

// generations bounds those that the tests use, and metaNames the metadata.
const generations = 5

var metaNames = []string{"", "a", "generation"}

// drawCopies prints all copies of the model.
func (m *model) drawCopies() string {
	var out strings.Builder
	for g := range storage.Generation(generations) {
		for _, p := range slices.Sorted(maps.Keys(m.copies[g])) {
			m.copies[g][p].draw(&out, g, p)
		}
	}
	return out.String()
}

// draw prints everything that the model holds.
func (m *model) draw() string {
	var out strings.Builder
	for _, name := range metaNames {
		if v, found := m.meta[name]; found {
			fmt.Fprintf(&out, "meta %q: %q\n", name, v)
		}
	}
	return m.drawCopies() + out.String()
}

// drawCopies prints the copies in a directory, as a store or a view has them.
func drawCopies(t rapid.TB, from getter, directory map[storage.Generation][]storage.Copy) string {
	t.Helper()
	var out strings.Builder
	for g := range storage.Generation(generations) {
		for _, c := range directory[g] {
			fmt.Fprintf(&out, "copy %d/%d slot %d origin %v %s\n", g, c.Partition, c.Slot, c.Origin, describe(c.Position))
			err := from.Keys(c.Slot, nil, func(key []byte, r partition.Record) bool {
				drawKey(&out, key, r)
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
			err = from.Tombstones(c.Slot, nil, func(key []byte) bool {
				fmt.Fprintf(&out, "tombstone %x\n", key)
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
			err = from.Log(c.Slot, 0, func(r partition.LogRecord) bool {
				fmt.Fprintln(&out, r)
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return out.String()
}

// draw prints everything that a store holds.
func draw(t rapid.TB, s *storage.Store) string {
	t.Helper()
	var out strings.Builder
	for _, name := range metaNames {
		v, found, err := s.Meta(name)
		if err != nil {
			t.Fatal(err)
		}
		if found {
			fmt.Fprintf(&out, "meta %q: %q\n", name, v)
		}
	}
	return drawCopies(t, s, directories(t, s)) + out.String()
}

func directories(t rapid.TB, s *storage.Store) map[storage.Generation][]storage.Copy {
	t.Helper()
	all := map[storage.Generation][]storage.Copy{}
	for g := range storage.Generation(generations) {
		copies, err := s.Copies(g)
		if err != nil {
			t.Fatal(err)
		}
		all[g] = copies
	}
	return all
}
