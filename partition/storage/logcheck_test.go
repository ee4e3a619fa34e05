package storage

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"
)

// A power cut keeps of the last write what pages of it have reached the disk, in any
// order. Only what was written after it shows that it had been durable.
func TestATornWriteOfTheManifestIsNoDamage(t *testing.T) {
	const full, first, last = 1, 2, 4
	chunk := func(encoding byte, size int) []byte {
		c := make([]byte, manifestFormat.header, manifestFormat.header+size)
		c[6] = encoding
		c = append(c, bytes.Repeat([]byte{encoding}, size)...)
		binary.LittleEndian.PutUint16(c[4:], uint16(size))
		binary.LittleEndian.PutUint32(c, mask(crc32.Checksum(c[6:], castagnoli)))
		return c
	}
	before := chunk(full, blockBytes-500)
	head := chunk(first, blockBytes-len(before)-manifestFormat.header) // up to the end of its block
	tail, after := chunk(last, 300), chunk(full, 50)
	lost := func(c []byte) []byte { return make([]byte, len(c)) }
	for _, c := range []struct {
		what   string
		file   [][]byte
		damage bool
	}{
		{"nothing lost", [][]byte{before, head, tail}, false},
		{"the end lost", [][]byte{before, head, lost(tail)}, false},
		{"the beginning lost", [][]byte{before, lost(head), tail}, false},
		{"an earlier one lost", [][]byte{before, lost(head), tail, after}, true},
	} {
		file := slices.Concat(c.file...)
		if at, damaged := manifestFormat.damagedAt(file, int64(len(before))); damaged != c.damage {
			t.Errorf("%s: damaged %t at %d, want %t", c.what, damaged, at, c.damage)
		}
	}
}
