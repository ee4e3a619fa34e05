package storage

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"slices"
)

// Pebble's logs and manifests are blocks of blockBytes, filled with chunks; where
// no header fits any more the rest is zero. A chunk is, in little-endian,
//
//	crc 4 | length 2 | encoding 1 | payload                              manifest
//	crc 4 | length 2 | encoding 1 | log number 4 | synced 8 | payload    log
//
// where crc, masked, is of all from encoding on, length is that of the payload, and
// synced is the length of the log that had been made durable when the chunk was
// written. A log that was closed ends with an empty chunk of the next log number.
const blockBytes = 32 << 10

// chunkFormat is one of the two.
type chunkFormat struct {
	log      bool
	num      uint32 // of the log
	header   int    // bytes
	encoding byte   // the first of four: full, first, middle, last
}

var manifestFormat = chunkFormat{header: 7, encoding: 1}

func logFormat(num uint32) chunkFormat {
	return chunkFormat{log: true, num: num, header: 19, encoding: 9}
}

// chunk is a piece of a file that has passed its checksum.
type chunk struct {
	end    int    // offset after it
	begins bool   // a record
	synced uint64 // log only
}

// chunkAt decodes the chunk at an offset.
func (f chunkFormat) chunkAt(file []byte, at int) (c chunk, ok bool) {
	le, room := binary.LittleEndian, min(len(file), blockEnd(at))
	if at+f.header > room || !f.fits(file[at+6:]) {
		return c, false
	}
	c.end = at + f.header + int(le.Uint16(file[at+4:]))
	if c.end > room || le.Uint32(file[at:]) != mask(crc32.Checksum(file[at+6:c.end], castagnoli)) {
		return c, false
	}
	c.begins = file[at+6]-f.encoding < 2
	if f.log {
		c.synced = le.Uint64(file[at+11:])
	}
	return c, true
}

// ends reports whether a log was closed at an offset.
func (f chunkFormat) ends(file []byte, at int) bool {
	const trailer, encoding = 11, 5
	return f.log && at+trailer <= len(file) && file[at+6] == encoding &&
		binary.LittleEndian.Uint32(file[at+7:]) == f.num+1
}

// oneBitOff reports whether the chunk at an offset would be valid if one bit were
// not flipped.
func (f chunkFormat) oneBitOff(file []byte, at int) bool {
	room := min(len(file), blockEnd(at))
	if at+f.header > room {
		return false
	}
	stored, length := binary.LittleEndian.Uint32(file[at:]), binary.LittleEndian.Uint16(file[at+4:])
	end := func(length uint16) int { return at + f.header + int(length) }
	fits := f.fits(file[at+6:])
	for bit := range 16 { // of the length
		if to := end(length ^ 1<<bit); fits && to <= room && mask(crc32.Checksum(file[at+6:to], castagnoli)) == stored {
			return true
		}
	}
	if end(length) > room {
		return false
	}
	data := file[at+6 : end(length)]
	sum := crc32.Checksum(data, castagnoli)
	if fits && bits.OnesCount32(mask(sum)^stored) == 1 { // of the checksum
		return true
	}
	// Of the data: each bit changes the sum in a way of its own, by what it adds
	// to it and then once more for every byte that follows.
	var change [8]uint32
	for bit := range change {
		change[bit] = castagnoli[1<<bit]
	}
	for i := len(data) - 1; i >= 0; i-- {
		for bit, c := range change {
			if c == sum^unmask(stored) {
				repaired := slices.Clone(data[:f.header-6])
				if i < len(repaired) {
					repaired[i] ^= 1 << bit
				}
				return f.fits(repaired)
			}
			change[bit] = castagnoli[byte(c)] ^ c>>8
		}
	}
	return false
}

// fits reports whether encoding and log number, of what a checksum is for, are
// possible ones.
func (f chunkFormat) fits(data []byte) bool {
	return data[0]-f.encoding < 4 && (!f.log || binary.LittleEndian.Uint32(data[1:]) == f.num)
}

// mask is what is done to a CRC before it is stored.
func mask(sum uint32) uint32 { return bits.RotateLeft32(sum, 17) + 0xa282ead8 }

func unmask(stored uint32) uint32 { return bits.RotateLeft32(stored-0xa282ead8, -17) }

// blockEnd returns where the block ends that has an offset.
func blockEnd(at int) int { return (at/blockBytes + 1) * blockBytes }
