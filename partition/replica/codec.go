package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"pipelinedht/partition"
)

// On the wire a message is one byte of kind, then its fields in the order of its
// struct: numbers as uvarints, byte strings and lists with a uvarint count in
// front, booleans gathered in one flags byte.
//
//	label      term seq
//	op id      node incarnation counter
//	log record label flags(kind 0-2, import 3, existed 4, op 5) [op id] stamp key
//	key state  flags(found 0, tombstone 1) key [stamp value]
//	position   last start terms(n: term first) stamp commit flags(mark 0, fresh 1) [common]

// ErrMalformed says that bytes are not a message of this protocol version.
var ErrMalformed = errors.New("malformed message between nodes")

type encoder []byte

func (e *encoder) num(v uint64)                          { *e = binary.AppendUvarint(*e, v) }
func (e *encoder) byte(b byte)                           { *e = append(*e, b) }
func (e *encoder) bytes(b []byte)                        { e.num(uint64(len(b))); *e = append(*e, b...) }
func (e *encoder) head(p partition.ID, t partition.Term) { e.num(uint64(p)); e.num(uint64(t)) }
func (e *encoder) label(l partition.Label)               { e.num(uint64(l.Term)); e.num(uint64(l.Seq)) }

func flags(bits ...bool) (b byte) {
	for i, set := range bits {
		if set {
			b |= 1 << i
		}
	}
	return b
}

func (e *encoder) record(r *partition.LogRecord) {
	e.label(r.Label)
	hasOp := r.Op != partition.OpID{}
	e.byte(byte(r.Kind) | flags(r.Import, r.Existed, hasOp)<<3)
	if hasOp {
		e.num(uint64(r.Op.Node))
		e.num(uint64(r.Op.Incarnation))
		e.num(r.Op.Counter)
	}
	e.num(uint64(r.Stamp))
	e.bytes(r.Key)
}

func (e *encoder) position(p *partition.Position) {
	e.label(p.Last)
	e.num(uint64(p.LogStart))
	e.num(uint64(len(p.Terms)))
	for _, t := range p.Terms {
		e.num(uint64(t.Term))
		e.num(uint64(t.First))
	}
	e.num(uint64(p.Stamp))
	e.num(uint64(p.Commit))
	e.byte(flags(p.Mark != nil, p.Mark != nil && p.Mark.Fresh))
	if p.Mark != nil {
		e.num(uint64(p.Mark.Common))
	}
}

func (e *encoder) state(s *partition.KeyState) {
	e.byte(flags(s.Found, s.Tombstone))
	e.bytes(s.Key)
	if s.Found {
		e.num(uint64(s.Stamp))
		e.bytes(s.Value)
	}
}

// AppendMessage appends the encoding of m to buf.
func AppendMessage(buf []byte, m Message) []byte {
	e := encoder(buf)
	e.byte(byte(m.kind()))
	switch m := m.(type) {
	case *Beacon:
		e.num(uint64(m.Version))
		e.num(uint64(m.Sent))
		e.byte(flags(m.Stopping, m.Full))
	case *Grant:
		e.num(uint64(m.Version))
		e.num(uint64(m.Sent))
		e.num(uint64(m.Taken))
		e.byte(flags(m.Stopping, m.Full, m.Stuck))
	case *Query:
		e.head(m.Partition, m.Term)
		e.num(m.Number)
	case *Position:
		e.head(m.Partition, m.Term)
		e.num(m.Number)
		e.position(&m.Position)
	case *AskExtra:
		e.head(m.Partition, m.Term)
		e.num(uint64(m.After))
	case *Extra:
		e.extra(m)
	case *Fetch:
		e.head(m.Partition, m.Term)
		e.label(m.After)
	case *Chunk:
		e.chunk(m)
	case *ChunkAck:
		e.head(m.Partition, m.Term)
		e.num(m.Transfer)
		e.num(uint64(m.Index))
	case *Append:
		e.append(m)
	case *Ack:
		e.head(m.Partition, m.Term)
		e.num(uint64(m.Seq))
		e.byte(flags(m.Gap))
	case *Release:
		e.head(m.Partition, m.Term)
	case *Detached:
		e.head(m.Partition, m.Term)
		e.num(uint64(m.Since))
	case *Drop:
		e.head(m.Partition, m.Term)
		e.num(uint64(m.Since))
	}
	return e
}

func (e *encoder) extra(m *Extra) {
	e.head(m.Partition, m.Term)
	e.num(uint64(m.After))
	e.byte(flags(m.TooMany))
	e.num(uint64(len(m.Keys)))
	for _, k := range m.Keys {
		e.bytes(k)
	}
}

func (e *encoder) chunk(m *Chunk) {
	e.head(m.Partition, m.Term)
	e.num(m.Transfer)
	e.num(uint64(m.Index))
	h := m.Head
	e.byte(flags(m.Last, h != nil, h != nil && h.Reset))
	if h != nil {
		e.label(h.After)
		e.num(uint64(len(h.Records)))
		for i := range h.Records {
			e.record(&h.Records[i])
		}
		e.position(&h.Position)
	}
	e.num(uint64(len(m.Values)))
	for i := range m.Values {
		e.state(&m.Values[i])
	}
}

func (e *encoder) append(m *Append) {
	e.head(m.Partition, m.Term)
	e.label(m.Prev)
	e.num(uint64(m.Commit))
	e.num(uint64(len(m.Entries)))
	for i := range m.Entries {
		e.record(&m.Entries[i].LogRecord)
		e.bytes(m.Entries[i].Value)
	}
}

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

func (d *decoder) head() (partition.ID, partition.Term) {
	p := d.num()
	if p > uint64(^partition.ID(0)) {
		d.bad = true
	}
	return partition.ID(p), partition.Term(d.num())
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
		p, t := d.head()
		return &Ack{Partition: p, Term: t, Seq: partition.Seq(d.num()), Gap: d.byte()&1 != 0}
	case kindRelease:
		p, t := d.head()
		return &Release{Partition: p, Term: t}
	case kindDetached:
		p, t := d.head()
		return &Detached{Partition: p, Term: t, Since: partition.Version(d.num())}
	case kindDrop:
		p, t := d.head()
		return &Drop{Partition: p, Term: t, Since: partition.Version(d.num())}
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
	m.Last = f&1 != 0
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

func (d *decoder) append() *Append {
	m := &Append{}
	m.Partition, m.Term = d.head()
	m.Prev = d.label()
	m.Commit = partition.Seq(d.num())
	if n := d.count(6); n > 0 {
		m.Entries = make([]partition.Entry, n)
		for i := range m.Entries {
			m.Entries[i].LogRecord = d.record()
			m.Entries[i].Value = d.bytes()
		}
	}
	return m
}
