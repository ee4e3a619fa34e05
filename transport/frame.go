package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A frame, integers big endian:
//
//	offset  size
//	0       4     length of the body
//	4       4     CRC-32C of everything from offset 8 to the end of the body
//	8       1     kind
//	9       8     number of the call on this connection, from 1; 0 where kind
//	              has none
//	17            body
//
// The side that dialled sends frameMessage and frameRequest, the other one
// frameReply, frameBusy, frameTooLarge and frameLost, both frameAlive. Anything
// else closes the connection, and so does a body longer than the lane allows,
// before memory is taken for it.
const headerSize = 17

type frameKind uint8

const (
	frameMessage  frameKind = iota + 1 // one way
	frameRequest                       // wants one of the next four under the same number
	frameReply                         // the request's answer
	frameBusy                          // the request was not looked at
	frameTooLarge                      // the reply is longer than the lane allows
	frameLost                          // the reply did not fit into the buffer
	frameAlive                         // nothing to say
)

// Faults of what the other end sent.
var (
	errFrameSize = errors.New("frame longer than the lane allows")
	errFrameKind = errors.New("frame of a kind that does not belong here")
	errFrameSum  = errors.New("frame with a wrong checksum")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type header struct {
	length int
	sum    uint32
	kind   frameKind
	id     uint64
}

// appendHeader appends the header of a frame with that body.
func appendHeader(buf []byte, kind frameKind, id uint64, body []byte) []byte {
	at := len(buf)
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(body)))
	buf = append(buf, 0, 0, 0, 0, byte(kind))
	buf = binary.BigEndian.AppendUint64(buf, id)
	binary.BigEndian.PutUint32(buf[at+4:], checksum(buf[at:], body))
	return buf
}

// parseHeader reads the header that b begins with. It refuses a body longer than
// limit.
func parseHeader(b []byte, limit int) (header, error) {
	length := binary.BigEndian.Uint32(b)
	if int64(length) > int64(limit) {
		return header{}, fmt.Errorf("%w: %d bytes, limit %d", errFrameSize, length, limit)
	}
	h := header{
		length: int(length),
		sum:    binary.BigEndian.Uint32(b[4:]),
		kind:   frameKind(b[8]),
		id:     binary.BigEndian.Uint64(b[9:]),
	}
	if h.kind < frameMessage || h.kind > frameAlive {
		return header{}, fmt.Errorf("%w: %d", errFrameKind, h.kind)
	}
	return h, nil
}

func checksum(head, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(head[8:headerSize], castagnoli), castagnoli, body)
}
