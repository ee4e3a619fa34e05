package storage

import (
	"encoding/binary"

	"pipelinedht/partition"
)

// The Pebble keys that batches are made of, encoded straight into the batch's
// buffer.

// putData writes a key's record. A value leaves alone what the list of tombstones
// says, so that an ordinary write has nothing to do with it.
func (b *Batch) putData(s Slot, key []byte, stamp partition.Stamp, tombstone bool, value []byte) {
	op := b.b.SetDeferred(prefixLen+len(key), dataLen(value))
	putKey(op.Key, s, kindData, key)
	putData(op.Value, stamp, tombstone, value)
	b.finish(op.Finish())
	if tombstone {
		op := b.b.SetDeferred(prefixLen+len(key), 0)
		putKey(op.Key, s, kindTombstones, key)
		b.finish(op.Finish())
	}
}

// deleteData deletes a key's record, live or tombstone.
func (b *Batch) deleteData(s Slot, key []byte) {
	for _, kind := range [...]byte{kindData, kindTombstones} {
		op := b.b.DeleteDeferred(prefixLen + len(key))
		putKey(op.Key, s, kind, key)
		b.finish(op.Finish())
	}
}

func (b *Batch) putLog(s Slot, r *partition.LogRecord, commit partition.Seq) {
	op := b.b.SetDeferred(logKeyLen, logHeaderLen+len(r.Key))
	putLogKey(op.Key, s, r.Label.Seq)
	putLogRecord(op.Value, r, commit)
	b.finish(op.Finish())
}

// deleteLog deletes the log records from first to last.
func (b *Batch) deleteLog(s Slot, first, last partition.Seq) {
	op := b.b.DeleteRangeDeferred(logKeyLen, logKeyLen)
	putLogKey(op.Key, s, first)
	putLogKey(op.Value, s, last+1)
	b.finish(op.Finish())
}

func (b *Batch) putBase(s Slot, pos *partition.Position) {
	op := b.b.SetDeferred(prefixLen, baseLen)
	putPrefix(op.Key, s, kindBase)
	putBase(op.Value, pos)
	b.finish(op.Finish())
}

func (b *Batch) putMark(s Slot, m *partition.Mark) {
	op := b.b.SetDeferred(prefixLen, markLen(m))
	putPrefix(op.Key, s, kindMark)
	putMark(op.Value, m)
	b.finish(op.Finish())
}

func (b *Batch) deleteMark(s Slot) {
	op := b.b.DeleteDeferred(prefixLen)
	putPrefix(op.Key, s, kindMark)
	b.finish(op.Finish())
}

// deleteCopy deletes all that a slot has.
func (b *Batch) deleteCopy(s Slot) {
	op := b.b.DeleteRangeDeferred(prefixLen, prefixLen)
	putPrefix(op.Key, s, kindBase)
	putPrefix(op.Value, s, kindEnd)
	b.finish(op.Finish())
}

func (b *Batch) putHome(g Generation, p partition.ID, h home) {
	b.finish(b.b.Set(appendDirectoryKey(nil, g, p), encodeHome(h), nil))
}

func (b *Batch) deleteHome(g Generation, p partition.ID) {
	b.finish(b.b.Delete(appendDirectoryKey(nil, g, p), nil))
}

func (b *Batch) putNextSlot(s Slot) {
	b.finish(b.b.Set(appendPrefix(nil, nodeSlot, kindNextSlot), binary.BigEndian.AppendUint64(nil, uint64(s)), nil))
}

func (b *Batch) putMeta(meta map[string][]byte) {
	for name, v := range meta {
		key := append(appendPrefix(nil, nodeSlot, kindMeta), name...)
		if v == nil {
			b.finish(b.b.Delete(key, nil))
		} else {
			b.finish(b.b.Set(key, v, nil))
		}
	}
}

func (b *Batch) finish(err error) {
	if b.err == nil {
		b.err = err
	}
}
