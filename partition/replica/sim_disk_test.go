package replica

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"pipelinedht/partition"
)

// diskCopy is a copy as the store has it.
type diskCopy struct {
	base   partition.Label // of the record before the first
	log    []partition.LogRecord
	data   map[string]partition.Record
	mark   *partition.Mark
	stamp  partition.Stamp
	commit partition.Seq
	// damaged: it cannot be read. What it holds counts for nothing until a
	// transfer begins it anew.
	damaged bool
}

func (d *diskCopy) clone() *diskCopy {
	c := *d
	c.log, c.data = slices.Clone(d.log), maps.Clone(d.data)
	return &c
}

func (d *diskCopy) last() partition.Label {
	if len(d.log) == 0 {
		return d.base
	}
	return d.log[len(d.log)-1].Label
}

func (d *diskCopy) position() partition.Position {
	pos := partition.Position{
		Last: d.last(), LogStart: d.base.Seq + 1, Stamp: d.stamp, Commit: d.commit, Mark: d.mark,
	}
	if d.base.Seq > 0 {
		pos.Terms = append(pos.Terms, partition.TermStart{Term: d.base.Term, First: d.base.Seq})
	}
	for _, r := range d.log {
		if n := len(pos.Terms); n == 0 || pos.Terms[n-1].Term != r.Label.Term {
			pos.Terms = append(pos.Terms, partition.TermStart{Term: r.Label.Term, First: r.Label.Seq})
		}
	}
	return pos
}

func (d *diskCopy) append(r partition.LogRecord, value []byte) {
	d.log = append(d.log, r)
	if !r.Import {
		d.stamp = max(d.stamp, r.Stamp)
	}
	switch r.Kind {
	case partition.EntryPut:
		d.data[string(r.Key)] = partition.Record{Stamp: r.Stamp, Value: value}
	case partition.EntryTombstone:
		d.data[string(r.Key)] = partition.Record{Stamp: r.Stamp, Tombstone: true}
	case partition.EntryDelete:
		delete(d.data, string(r.Key))
	}
}

func (d *diskCopy) put(s partition.KeyState) {
	if s.Found {
		d.data[string(s.Key)] = s.Record
	} else {
		delete(d.data, string(s.Key))
	}
}

// begin takes a transfer's head in.
func (d *diskCopy) begin(h *ChunkHead) {
	if h.Reset {
		*d = diskCopy{base: h.After, data: map[string]partition.Record{}}
	}
	for len(d.log) > 0 && d.log[len(d.log)-1].Label.Seq > h.After.Seq {
		d.log = d.log[:len(d.log)-1]
	}
	if h.After != d.last() || len(h.Records) > 0 && h.Records[0].Label.Seq != h.After.Seq+1 {
		panic(fmt.Sprintf("a transfer after %v with %d records begins on a log that ends at %v", h.After, len(h.Records), d.last()))
	}
	d.log = append(d.log, h.Records...)
	d.stamp = max(d.stamp, h.Position.Stamp)
}

// commit makes a batch durable, whole.
func (n *simNode) commit(ws []Write) {
	for _, wr := range ws {
		if wr.Drop {
			delete(n.disk, wr.Partition)
			continue
		}
		d := n.disk[wr.Partition]
		if d == nil {
			d = &diskCopy{data: map[string]partition.Record{}}
			n.disk[wr.Partition] = d
		}
		for _, e := range wr.Entries {
			if e.Label.Seq != d.last().Seq+1 {
				n.w.truth.fail("node %d stores %v of partition %d after %v", n.id, e.Label, wr.Partition, d.last())
			}
			n.w.truth.chain(wr.Partition, d.last(), e)
			d.append(e.LogRecord, e.Value)
		}
		if wr.SetMark {
			d.mark = wr.Mark
		}
		if ch := wr.Chunk; ch != nil {
			if ch.Head != nil {
				d.begin(ch.Head)
			}
			for _, s := range ch.Values {
				d.put(s)
			}
			d.mark = wr.Mark
		}
		d.commit = max(d.commit, wr.Commit)
		for len(d.log) > 0 && d.log[0].Label.Seq <= wr.Trim {
			d.base = d.log[0].Label
			d.log = d.log[1:]
		}
		if wr.Chunk != nil && d.mark == nil && !d.damaged {
			n.w.checkReplay(n, wr.Partition, d)
		}
	}
}

// simView is an open transfer.
type simView struct {
	d      *diskCopy
	values []partition.KeyState
	next   int
}

// do carries a job out.
func (n *simNode) do(job Job) {
	switch job.Kind {
	case JobTransfer, JobNext:
		m, err := n.build(job)
		n.input(func(now time.Duration) { n.core.Built(job, m, err, now) })
	case JobCancel:
		delete(n.views, job.Transfer)
	case JobExtra:
		if n.unreadable(job.Partition) {
			return
		}
		var keys [][]byte
		if d := n.disk[job.Partition]; d != nil {
			for _, r := range d.log {
				if r.Label.Seq > job.After.Seq {
					keys = append(keys, r.Key)
				}
			}
		}
		n.input(func(now time.Duration) {
			n.core.FoundExtra(job.Partition, job.Term, job.After.Seq, keys, now)
		})
	case JobIDs:
		var log []partition.LogRecord
		if d := n.disk[job.Partition]; d != nil && !n.unreadable(job.Partition) {
			log = slices.Clone(d.log)
		}
		n.input(func(now time.Duration) { n.core.FoundIDs(job.Partition, job.Term, log, now) })
	}
}

func (n *simNode) build(job Job) (*Chunk, error) {
	m := &Chunk{Partition: job.Partition, Term: job.Term, Transfer: job.Transfer}
	v := n.views[job.Transfer]
	if job.Kind == JobTransfer {
		if n.unreadable(job.Partition) {
			return nil, errors.New("damaged")
		}
		d := n.disk[job.Partition]
		if d == nil {
			d = &diskCopy{data: map[string]partition.Record{}}
		}
		if !job.Reset && job.After.Seq < d.base.Seq {
			return nil, errors.New("the log has been trimmed")
		}
		v = &simView{d: d.clone()}
		n.views[job.Transfer] = v
		m.Head = v.head(job)
	}
	if v == nil {
		return nil, errors.New("no such transfer")
	}
	m.Index, m.Gentle = v.next, n.core.givesWay && !job.Whole
	v.next++
	size := 1
	switch {
	case job.Whole:
		size = len(v.values)
	case m.Head != nil && job.Transfer%2 == 0:
		size = 0 // the head was large
	}
	size = min(size, len(v.values))
	m.Values, v.values = v.values[:size], v.values[size:]
	if m.Last = len(v.values) == 0; m.Last {
		delete(n.views, job.Transfer)
	}
	return m, nil
}

func (v *simView) head(job Job) *ChunkHead {
	h := &ChunkHead{Reset: job.Reset, After: job.After, Position: v.d.position()}
	keys := map[string]bool{}
	if job.Reset {
		h.After = v.d.base
		for k := range v.d.data {
			keys[k] = true
		}
	}
	for _, r := range v.d.log {
		if r.Label.Seq > h.After.Seq {
			h.Records = append(h.Records, r)
			keys[string(r.Key)] = true
		}
	}
	for _, k := range job.Extra {
		keys[string(k)] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		rec, ok := v.d.data[k]
		v.values = append(v.values, partition.KeyState{Key: []byte(k), Found: ok, Record: rec})
	}
	return h
}
