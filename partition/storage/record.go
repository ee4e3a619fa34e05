package storage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"pipelinedht/partition"
)

// dataHeaderLen is what a data record has before its value; see doc.go.
const dataHeaderLen = 4 + 8 + 1

const tombstoneFlag = 1 << 0

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func dataLen(value []byte) int { return dataHeaderLen + len(value) }

// putData encodes a data record into buf, which has dataLen bytes.
func putData(buf []byte, stamp partition.Stamp, tombstone bool, value []byte) {
	binary.BigEndian.PutUint64(buf[4:], uint64(stamp))
	buf[12] = 0
	if tombstone {
		buf[12] = tombstoneFlag
	}
	copy(buf[dataHeaderLen:], value)
	binary.BigEndian.PutUint32(buf, crc32.Checksum(buf[4:], castagnoli))
}

// decodeData checks and decodes a data record; the value aliases buf.
func decodeData(buf []byte) (partition.Record, error) {
	if len(buf) < dataHeaderLen {
		return partition.Record{}, fmt.Errorf("%w: data record of %d bytes", ErrCorrupt, len(buf))
	}
	want, got := binary.BigEndian.Uint32(buf), crc32.Checksum(buf[4:], castagnoli)
	if got != want {
		return partition.Record{}, fmt.Errorf("%w: data record has CRC-32C %08x, should have %08x", ErrCorrupt, got, want)
	}
	flags := buf[12]
	if flags&^tombstoneFlag != 0 || flags == tombstoneFlag && len(buf) > dataHeaderLen {
		return partition.Record{}, fmt.Errorf("%w: data record of %d bytes with flags %#x", ErrCorrupt, len(buf), flags)
	}
	return partition.Record{
		Stamp:     partition.Stamp(binary.BigEndian.Uint64(buf[4:])),
		Tombstone: flags == tombstoneFlag,
		Value:     buf[dataHeaderLen:],
	}, nil
}
