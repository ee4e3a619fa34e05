package dialect

import (
	"bufio"
	"encoding/binary"
	"net/http"

	"pipelinedht/httpapi/load"
)

// EtcdGRPC is etcd's own protocol: Put, linearizable Range of one key, and
// DeleteRange, as gRPC over HTTP/2 without TLS. A connection has one request under
// way, so it is not for a load.Sweep, and values are of GRPCValue bytes at most. A
// call that is refused counts as http.StatusInternalServerError; that a key is
// missing does not show.
type EtcdGRPC struct{}

// GRPCValue is how long a value may be: one frame must hold it, and the window that
// a server begins with several of them.
const GRPCValue = 8 << 10

// Speaker implements load.Dialect.
func (EtcdGRPC) Speaker(keyBytes, valueBytes int) load.Speaker {
	return &etcdGRPC{keyBytes: keyBytes, valueBytes: valueBytes}
}

type etcdGRPC struct {
	keyBytes, valueBytes int
	requests             [opCount]grpcRequest

	stream   uint32 // of the last request; odd, as a client's are, and rising
	owed     []byte // frames to go ahead of the next request
	batch    []byte // those and the request
	received int    // bytes of data since the server's window was filled up
	leaving  bool   // the server has said that it will close
}

// grpcRequest is two frames: headers and data.
type grpcRequest struct {
	prepared
	dataAt int
}

// Greet implements load.Greeter.
func (s *etcdGRPC) Greet() []byte {
	s.stream, s.owed, s.received, s.leaving = 1, nil, 0, false // 1 itself stays unused
	return appendGreeting(nil)
}

var grpcPaths = [opCount]string{load.Get: "/etcdserverpb.KV/Range", load.Put: "/etcdserverpb.KV/Put", load.Delete: "/etcdserverpb.KV/DeleteRange"}

// Request implements load.Speaker.
func (s *etcdGRPC) Request(op load.Op, key []byte, stamp uint64) []byte {
	r := &s.requests[op]
	if r.bytes == nil {
		s.prepare(op, r)
	}
	s.stream += 2
	binary.BigEndian.PutUint32(r.bytes[frameStreamAt:], s.stream)
	binary.BigEndian.PutUint32(r.bytes[r.dataAt+frameStreamAt:], s.stream)
	copy(r.bytes[r.keyAt:], key)
	if r.valueAt > 0 {
		binary.LittleEndian.PutUint64(r.bytes[r.valueAt:], stamp)
	}
	if s.received >= replenishAfter {
		s.owed = appendWindowUpdate(s.owed, s.received)
		s.received = 0
	}
	if len(s.owed) == 0 {
		return r.bytes
	}
	s.batch = append(append(s.batch[:0], s.owed...), r.bytes...)
	s.owed = s.owed[:0]
	return s.batch
}

// The messages' fields: both are strings of bytes, so their tags end in 2.
const (
	keyTag   = 1<<3 | 2
	valueTag = 2<<3 | 2
)

func (s *etcdGRPC) prepare(op load.Op, r *grpcRequest) {
	message := appendField(nil, keyTag, make([]byte, s.keyBytes))
	keyEnd := len(message)
	if op == load.Put {
		message = appendField(message, valueTag, load.RandomValue(s.valueBytes))
	}
	// A message goes with a byte that says it is not compressed, and its length.
	data := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	r.bytes = appendFrame(nil, frameHeaders, flagEndHeaders, 0, headerBlock(grpcPaths[op]))
	r.dataAt = len(r.bytes)
	r.bytes = appendFrame(r.bytes, frameData, flagEndStream, 0, data)
	r.keyAt = len(r.bytes) - len(message) + keyEnd - s.keyBytes
	if op == load.Put {
		r.valueAt = len(r.bytes) - s.valueBytes
	}
}

func appendField(to []byte, tag byte, value []byte) []byte {
	return append(binary.AppendUvarint(append(to, tag), uint64(len(value))), value...)
}

// headerBlock returns the request's header fields, of less than 256 bytes. They
// refer to HPACK's static table only (RFC 7541, appendix A), so that they are the
// same in every request.
func headerBlock(path string) []byte {
	text := func(to []byte, s string) []byte { return append(append(to, byte(len(s))), s...) }
	block := []byte{0x80 | 3, 0x80 | 6}                            // :method POST, :scheme http
	block = text(append(block, 1), "load")                         // :authority
	block = text(append(block, 4), path)                           // :path
	block = text(append(block, 0x0f, 31-0x0f), "application/grpc") // content-type
	return text(text(append(block, 0), "te"), "trailers")
}

// Answer implements load.Speaker. A call without streaming that is refused answers
// with no message, so that its status need not be decoded.
func (s *etcdGRPC) Answer(r *bufio.Reader) (int, error) {
	status := http.StatusInternalServerError
	for ended := false; !ended; {
		f, err := readFrame(r)
		if err != nil {
			return load.NoAnswer, err
		}
		if err := s.take(r, f); err != nil {
			return load.NoAnswer, err
		}
		if f.stream != s.stream {
			continue
		}
		switch f.kind {
		case frameData:
			if f.length > 0 {
				status = load.StatusOK
			}
			ended = f.flags&flagEndStream != 0
		case frameHeaders:
			ended = f.flags&flagEndStream != 0
		case frameReset:
			status, ended = http.StatusInternalServerError, true
		}
	}
	if s.leaving {
		return status, load.ErrClosing
	}
	return status, nil
}

// take reads a frame's payload and notes what is owed for it.
func (s *etcdGRPC) take(r *bufio.Reader, f frame) error {
	asked := f.flags&flagAck == 0
	switch {
	case f.kind == frameData:
		s.received += f.length
	case f.kind == frameSettings && asked:
		s.owed = appendFrame(s.owed, frameSettings, flagAck, 0, nil)
	case f.kind == framePing && asked:
		payload, err := r.Peek(f.length)
		if err != nil {
			return err
		}
		s.owed = appendFrame(s.owed, framePing, flagAck, 0, payload)
	case f.kind == frameGoAway:
		s.leaving = true
	}
	_, err := r.Discard(f.length)
	return err
}
