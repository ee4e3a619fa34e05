package storage

import (
	"encoding/binary"
	"sync"

	"pipelinedht/partition"
)

// Slot is the key prefix of one copy. Slots count from 1 and none is ever used
// for a second copy; 0 stands for the node itself.
type Slot uint64

// Generation is one life of the node, which is one membership in a cluster. They
// count from 1.
type Generation uint64

// nodeSlot prefixes the keys that belong to no copy.
const nodeSlot Slot = 0

// The byte after the slot, for nodeSlot.
const (
	kindFormat    = 1
	kindNextSlot  = 2
	kindDirectory = 3
	kindMeta      = 4
)

// The byte after the slot, for copies.
const (
	kindBase       = 1
	kindMark       = 2
	kindLog        = 3
	kindData       = 4
	kindTombstones = 5
	kindEnd        = 6 // bounds the kinds from above
)

const (
	prefixLen       = 9
	logKeyLen       = prefixLen + 8
	directoryKeyLen = prefixLen + 12
)

func appendPrefix(buf []byte, s Slot, kind byte) []byte {
	return append(binary.BigEndian.AppendUint64(buf, uint64(s)), kind)
}

func putPrefix(buf []byte, s Slot, kind byte) {
	binary.BigEndian.PutUint64(buf, uint64(s))
	buf[8] = kind
}

// appendKey returns where kind has something about a key: data, tombstones.
func appendKey(buf []byte, s Slot, kind byte, key []byte) []byte {
	return append(appendPrefix(buf, s, kind), key...)
}

func putKey(buf []byte, s Slot, kind byte, key []byte) {
	putPrefix(buf, s, kind)
	copy(buf[prefixLen:], key)
}

func appendLogKey(buf []byte, s Slot, seq partition.Seq) []byte {
	return binary.BigEndian.AppendUint64(appendPrefix(buf, s, kindLog), uint64(seq))
}

func putLogKey(buf []byte, s Slot, seq partition.Seq) {
	putPrefix(buf, s, kindLog)
	binary.BigEndian.PutUint64(buf[prefixLen:], uint64(seq))
}

func appendDirectoryKey(buf []byte, g Generation, p partition.ID) []byte {
	buf = appendPrefix(buf, nodeSlot, kindDirectory)
	buf = binary.BigEndian.AppendUint64(buf, uint64(g))
	return binary.BigEndian.AppendUint32(buf, uint32(p))
}

// keyBuffers lends buffers for keys to look up, so that a Get allocates nothing.
var keyBuffers = sync.Pool{New: func() any {
	buf := make([]byte, 0, 256)
	return &buf
}}
