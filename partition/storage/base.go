package storage

import (
	"encoding/binary"
	"fmt"

	"pipelinedht/partition"
)

const (
	baseLen       = 5 * 8
	markHeaderLen = 1 + 8
	markFreshFlag = 1 << 0
)

// putBase encodes the base record of a copy that stands at pos into buf, which
// has baseLen bytes. Stamp and commit are those of the whole copy, not of the
// base alone: as bounds they hold whatever part of the log is cut later.
func putBase(buf []byte, pos *partition.Position) {
	var before partition.TermStart
	if len(pos.Terms) > 0 && pos.LogStart > 1 {
		before = pos.Terms[0]
	}
	be := binary.BigEndian
	be.PutUint64(buf, uint64(pos.LogStart-1))
	be.PutUint64(buf[8:], uint64(before.Term))
	be.PutUint64(buf[16:], uint64(before.First))
	be.PutUint64(buf[24:], uint64(pos.Stamp))
	be.PutUint64(buf[32:], uint64(pos.Commit))
}

// decodeBase returns where a copy stands whose log is empty but for its base.
func decodeBase(buf []byte) (partition.Position, error) {
	if len(buf) != baseLen {
		return partition.Position{}, fmt.Errorf("%w: base record of %d bytes", ErrCorrupt, len(buf))
	}
	be := binary.BigEndian
	seq := partition.Seq(be.Uint64(buf))
	term := partition.TermStart{
		Term:  partition.Term(be.Uint64(buf[8:])),
		First: partition.Seq(be.Uint64(buf[16:])),
	}
	pos := partition.Position{
		Last:     partition.Label{Term: term.Term, Seq: seq},
		LogStart: seq + 1,
		Stamp:    partition.Stamp(be.Uint64(buf[24:])),
		Commit:   partition.Seq(be.Uint64(buf[32:])),
	}
	if term.First > seq || seq == 0 && term.Term != 0 {
		return pos, fmt.Errorf("%w: base record at %s begins its term at %d", ErrCorrupt, pos.Last, term.First)
	}
	if seq > 0 {
		pos.Terms = []partition.TermStart{term}
	}
	return pos, nil
}

func markLen(m *partition.Mark) int {
	n := markHeaderLen
	for _, k := range m.Extra {
		n += 4 + len(k)
	}
	return n
}

// putMark encodes m into buf, which has markLen bytes.
func putMark(buf []byte, m *partition.Mark) {
	buf[0] = 0
	if m.Fresh {
		buf[0] = markFreshFlag
	}
	binary.BigEndian.PutUint64(buf[1:], uint64(m.Common))
	rest := buf[markHeaderLen:]
	for _, k := range m.Extra {
		binary.BigEndian.PutUint32(rest, uint32(len(k)))
		rest = rest[4+copy(rest[4:], k):]
	}
}

// decodeMark decodes a mark; nothing of it aliases buf.
func decodeMark(buf []byte) (*partition.Mark, error) {
	if len(buf) < markHeaderLen || buf[0]&^markFreshFlag != 0 {
		return nil, fmt.Errorf("%w: mark of %d bytes", ErrCorrupt, len(buf))
	}
	m := &partition.Mark{
		Fresh:  buf[0] == markFreshFlag,
		Common: partition.Seq(binary.BigEndian.Uint64(buf[1:])),
	}
	for rest := buf[markHeaderLen:]; len(rest) > 0; {
		if len(rest) < 4 {
			return nil, fmt.Errorf("%w: mark ends within a length", ErrCorrupt)
		}
		n := binary.BigEndian.Uint32(rest)
		if uint64(len(rest)-4) < uint64(n) {
			return nil, fmt.Errorf("%w: mark ends within a key", ErrCorrupt)
		}
		m.Extra = append(m.Extra, append([]byte(nil), rest[4:4+n]...))
		rest = rest[4+n:]
	}
	return m, nil
}
