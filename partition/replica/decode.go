package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"pipelinedht/partition"
)

// ErrMalformed says that bytes are not a message of this protocol version.
var ErrMalformed = errors.New("malformed message between nodes")

// decoder reads what encoder wrote; after a fault it reads zeros and bad is set.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) num() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	b := d.b[0]
	d.b = d.b[1:]
	return b
}

// bytes returns a part of the input.
func (d *decoder) bytes() []byte {
	n := d.num()
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

// count returns the length of a list whose elements take at least size bytes, so
// that no more memory is taken than the input pays for.
func (d *decoder) count(size int) int {
	n := d.num()
	if n > uint64(len(d.b)/size) {
		d.bad, d.b = true, nil
		return 0
	}
	return int(n)
}

func (d *decoder) partition() partition.ID {
	p := d.num()
	if p > uint64(^partition.ID(0)) {
		d.bad = true
	}
	return partition.ID(p)
}

func (d *decoder) head() (partition.ID, partition.Term) {
	return d.partition(), partition.Term(d.num())
}

func (d *decoder) label() partition.Label {
	return partition.Label{Term: partition.Term(d.num()), Seq: partition.Seq(d.num())}
}

func (d *decoder) record() (r partition.LogRecord) {
	r.Label = d.label()
	f := d.byte()
	r.Kind, r.Import, r.Existed = partition.EntryKind(f&7), f&8 != 0, f&16 != 0
	if r.Kind < partition.EntryPut || r.Kind > partition.EntryTombstone {
		d.bad = true
	}
	if f&32 != 0 {
		r.Op = partition.OpID{
			Node:        partition.NodeID(d.num()),
			Incarnation: partition.Incarnation(d.num()),
			Counter:     d.num(),
		}
	}
	r.Stamp = partition.Stamp(d.num())
	r.Key = d.bytes()
	return r
}

func (d *decoder) position() (p partition.Position) {
	p.Last = d.label()
	p.LogStart = partition.Seq(d.num())
	if n := d.count(2); n > 0 {
		p.Terms = make([]partition.TermStart, n)
		for i := range p.Terms {
			p.Terms[i] = partition.TermStart{Term: partition.Term(d.num()), First: partition.Seq(d.num())}
		}
	}
	p.Stamp = partition.Stamp(d.num())
	p.Commit = partition.Seq(d.num())
	if f := d.byte(); f&1 != 0 {
		p.Mark = &partition.Mark{Fresh: f&2 != 0, Common: partition.Seq(d.num())}
	}
	return p
}

func (d *decoder) state() (s partition.KeyState) {
	f := d.byte()
	s.Found, s.Tombstone = f&1 != 0, f&2 != 0
	s.Key = d.bytes()
	if s.Found {
		s.Stamp = partition.Stamp(d.num())
		s.Value = d.bytes()
	}
	return s
}

// DecodeMessage reads what AppendMessage wrote. The message's byte strings are
// parts of b. Its errors are ErrMalformed.
func DecodeMessage(b []byte) (Message, error) {
	d := &decoder{b: b}
	m := d.message()
	if m == nil || d.bad || len(d.b) > 0 {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	}
	return m, nil
}

// standing reads what a node says of itself.
func (d *decoder) standing() (stopping, full, stuck bool) {
	b := d.byte()
	return b&1 != 0, b&2 != 0, b&4 != 0
}

func (d *decoder) message() Message {
	switch kind(d.byte()) {
	case kindBeacon:
		b := &Beacon{Version: partition.Version(d.num()), Sent: time.Duration(d.num())}
		b.Stopping, b.Full, _ = d.standing()
		return b
	case kindGrant:
		g := &Grant{
			Version: partition.Version(d.num()), Sent: time.Duration(d.num()), Taken: partition.Version(d.num()),
		}
		g.Stopping, g.Full, g.Stuck = d.standing()
		return g
	case kindQuery:
		p, t := d.head()
		return &Query{Partition: p, Term: t, Number: d.num()}
	case kindPosition:
		p, t := d.head()
		return &Position{Partition: p, Term: t, Number: d.num(), Position: d.position()}
	case kindAskExtra:
		p, t := d.head()
		return &AskExtra{Partition: p, Term: t, After: partition.Seq(d.num())}
	case kindExtra:
		return d.extra()
	case kindFetch:
		p, t := d.head()
		return &Fetch{Partition: p, Term: t, After: d.label()}
	case kindChunk:
		return d.chunk()
	case kindChunkAck:
		p, t := d.head()
		return &ChunkAck{Partition: p, Term: t, Transfer: d.num(), Index: int(d.num())}
	case kindAppend:
		return d.append()
	case kindAck:
		return d.ack()
	case kindRelease:
		p, t := d.head()
		return &Release{Partition: p, Term: t}
	case kindDetached:
		p, t := d.head()
		return &Detached{Partition: p, Term: t, Since: partition.Version(d.num())}
	case kindDrop:
		p, t := d.head()
		return &Drop{Partition: p, Term: t, Since: partition.Version(d.num())}
	case kindCommits:
		return d.commits()
	}
	return nil
}

func (d *decoder) extra() *Extra {
	m := &Extra{}
	m.Partition, m.Term = d.head()
	m.After = partition.Seq(d.num())
	m.TooMany = d.byte()&1 != 0
	if n := d.count(1); n > 0 {
		m.Keys = make([][]byte, n)
		for i := range m.Keys {
			m.Keys[i] = d.bytes()
		}
	}
	return m
}

func (d *decoder) chunk() *Chunk {
	m := &Chunk{}
	m.Partition, m.Term = d.head()
	m.Transfer = d.num()
	m.Index = int(d.num())
	f := d.byte()
	m.Last, m.Gentle = f&1 != 0, f&8 != 0
	if f&2 != 0 {
		h := &ChunkHead{Reset: f&4 != 0, After: d.label()}
		if n := d.count(5); n > 0 {
			h.Records = make([]partition.LogRecord, n)
			for i := range h.Records {
				h.Records[i] = d.record()
			}
		}
		h.Position = d.position()
		m.Head = h
	}
	if n := d.count(2); n > 0 {
		m.Values = make([]partition.KeyState, n)
		for i := range m.Values {
			m.Values[i] = d.state()
		}
	}
	return m
}

// append reads the entries of all runs into one piece of memory.
func (d *decoder) append() *Append {
	m := &Append{}
	entries := make([]partition.Entry, d.count(6))
	if n := d.count(12); n > 0 {
		m.Runs = make([]Run, n)
	}
	for i := range m.Runs {
		r := &m.Runs[i]
		r.Partition, r.Term = d.head()
		r.Prev = d.label()
		r.Commit = partition.Seq(d.num())
		n := d.count(6)
		if n == 0 || n > len(entries) {
			d.bad = true
			break
		}
		r.Entries, entries = entries[:n:n], entries[n:]
		for j := range r.Entries {
			r.Entries[j].LogRecord = d.record()
			r.Entries[j].Value = d.bytes()
		}
	}
	d.bad = d.bad || len(entries) > 0
	return m
}

func (d *decoder) ack() *Ack {
	m := &Ack{}
	if n := d.count(4); n > 0 {
		m.Copies = make([]Durable, n)
	}
	for i := range m.Copies {
		c := &m.Copies[i]
		c.Partition, c.Term = d.head()
		c.Seq = partition.Seq(d.num())
		c.Gap = d.byte()&1 != 0
	}
	return m
}

func (d *decoder) commits() *Commits {
	m := &Commits{Version: partition.Version(d.num())}
	if n := d.count(2); n > 0 {
		m.Partitions = make([]Committed, n)
	}
	for i := range m.Partitions {
		m.Partitions[i] = Committed{Partition: d.partition(), Seq: partition.Seq(d.num())}
	}
	return m
}
