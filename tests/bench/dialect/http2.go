package dialect

import (
	"bufio"
	"encoding/binary"
	"fmt"
)

// The frames of HTTP/2 that matter here (RFC 9113, section 6). A frame is
//
//	length 3 | type 1 | flags 1 | stream 4 | payload
//
// in network order.
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameReset        = 0x3
	frameSettings     = 0x4
	framePing         = 0x6
	frameGoAway       = 0x7
	frameWindowUpdate = 0x8

	flagEndStream  = 0x1
	flagAck        = 0x1 // of settings and ping
	flagEndHeaders = 0x4

	frameHeaderBytes = 9
	frameStreamAt    = 5 // in its header
	mostFrame        = 16 << 10
)

const (
	http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

	settingEnablePush    = 0x2
	settingInitialWindow = 0x4
	widestWindow         = 1<<31 - 1
	defaultWindow        = 1<<16 - 1
	replenishAfter       = 1 << 20 // bytes received, of a window of widestWindow
)

// frame is the header of one.
type frame struct {
	length int
	kind   byte
	flags  byte
	stream uint32
}

// readFrame reads the header of the next frame. The payload is left to be read.
func readFrame(r *bufio.Reader) (frame, error) {
	b, err := r.Peek(frameHeaderBytes)
	if err != nil {
		return frame{}, err
	}
	f := frame{
		length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		kind:   b[3],
		flags:  b[4],
		stream: binary.BigEndian.Uint32(b[frameStreamAt:]) &^ (1 << 31), // the top bit is reserved
	}
	if f.length > mostFrame {
		return frame{}, fmt.Errorf("a frame of %d bytes: nobody allowed more than %d", f.length, mostFrame)
	}
	_, err = r.Discard(frameHeaderBytes)
	return f, err
}

// appendFrame appends a whole frame.
func appendFrame(to []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	to = append(to, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	return append(binary.BigEndian.AppendUint32(to, stream), payload...)
}

// appendGreeting appends what a client begins a connection with: it takes no pushes
// and as much as a server has.
func appendGreeting(to []byte) []byte {
	var settings []byte
	for _, s := range []struct {
		id    uint16
		value uint32
	}{{settingEnablePush, 0}, {settingInitialWindow, widestWindow}} {
		settings = binary.BigEndian.AppendUint16(settings, s.id)
		settings = binary.BigEndian.AppendUint32(settings, s.value)
	}
	to = appendFrame(append(to, http2Preface...), frameSettings, 0, 0, settings)
	return appendWindowUpdate(to, widestWindow-defaultWindow)
}

// appendWindowUpdate lets the server send that much more on the connection.
func appendWindowUpdate(to []byte, more int) []byte {
	return appendFrame(to, frameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, uint32(more)))
}
