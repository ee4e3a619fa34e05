package storage

import (
	"encoding/binary"
	"fmt"

	"pipelinedht/partition"
)

// logHeaderLen is what a log record has before its key; see doc.go.
const logHeaderLen = 8 + 1 + 3*8 + 8 + 8

const (
	logKindBits    = 0b11
	logImportFlag  = 1 << 2
	logExistedFlag = 1 << 3
)

// putLogRecord encodes r into buf, which has logHeaderLen+len(r.Key) bytes.
func putLogRecord(buf []byte, r *partition.LogRecord, commit partition.Seq) {
	flags := byte(r.Kind)
	if r.Import {
		flags |= logImportFlag
	}
	if r.Existed {
		flags |= logExistedFlag
	}
	be := binary.BigEndian
	be.PutUint64(buf, uint64(r.Label.Term))
	buf[8] = flags
	be.PutUint64(buf[9:], uint64(r.Op.Node))
	be.PutUint64(buf[17:], uint64(r.Op.Incarnation))
	be.PutUint64(buf[25:], r.Op.Counter)
	be.PutUint64(buf[33:], uint64(r.Stamp))
	be.PutUint64(buf[41:], uint64(commit))
	copy(buf[logHeaderLen:], r.Key)
}

// decodeLogRecord decodes the log record of sequence seq; its key aliases buf.
func decodeLogRecord(seq partition.Seq, buf []byte) (r partition.LogRecord, commit partition.Seq, err error) {
	if len(buf) < logHeaderLen {
		return r, 0, fmt.Errorf("%w: log record %d has %d bytes", ErrCorrupt, seq, len(buf))
	}
	be := binary.BigEndian
	flags := buf[8]
	r = partition.LogRecord{
		Label:   partition.Label{Term: partition.Term(be.Uint64(buf)), Seq: seq},
		Kind:    partition.EntryKind(flags & logKindBits),
		Import:  flags&logImportFlag != 0,
		Existed: flags&logExistedFlag != 0,
		Op: partition.OpID{
			Node:        partition.NodeID(be.Uint64(buf[9:])),
			Incarnation: partition.Incarnation(be.Uint64(buf[17:])),
			Counter:     be.Uint64(buf[25:]),
		},
		Stamp: partition.Stamp(be.Uint64(buf[33:])),
		Key:   buf[logHeaderLen:],
	}
	if r.Kind == 0 || flags&^(logKindBits|logImportFlag|logExistedFlag) != 0 {
		return r, 0, fmt.Errorf("%w: log record %d has flags %#x", ErrCorrupt, seq, flags)
	}
	return r, partition.Seq(be.Uint64(buf[41:])), nil
}
