package replica

import (
	"encoding/binary"

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
//	append     entries in all, runs(n: partition term prev commit entries(n: log record value))

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
		e.ack(m)
	case *Release:
		e.head(m.Partition, m.Term)
	case *Detached:
		e.head(m.Partition, m.Term)
		e.num(uint64(m.Since))
	case *Drop:
		e.head(m.Partition, m.Term)
		e.num(uint64(m.Since))
	case *Commits:
		e.num(uint64(m.Version))
		e.num(uint64(len(m.Partitions)))
		for _, c := range m.Partitions {
			e.num(uint64(c.Partition))
			e.num(uint64(c.Seq))
		}
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
	e.byte(flags(m.Last, h != nil, h != nil && h.Reset, m.Gentle))
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
	entries := 0
	for i := range m.Runs {
		entries += len(m.Runs[i].Entries)
	}
	e.num(uint64(entries))
	e.num(uint64(len(m.Runs)))
	for i := range m.Runs {
		r := &m.Runs[i]
		e.head(r.Partition, r.Term)
		e.label(r.Prev)
		e.num(uint64(r.Commit))
		e.num(uint64(len(r.Entries)))
		for j := range r.Entries {
			e.record(&r.Entries[j].LogRecord)
			e.bytes(r.Entries[j].Value)
		}
	}
}

func (e *encoder) ack(m *Ack) {
	e.num(uint64(len(m.Copies)))
	for i := range m.Copies {
		d := &m.Copies[i]
		e.head(d.Partition, d.Term)
		e.num(uint64(d.Seq))
		e.byte(flags(d.Gap))
	}
}
