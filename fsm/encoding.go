package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Commands and snapshots share these primitives:
//
//	uint     unsigned varint (encoding/binary)
//	id       8 bytes, big endian: node, cluster and join ids
//	string   uint length, that many bytes
//	bool     1 byte, 0 or 1
//
// and this envelope, around the body that each of them documents:
//
//	version  1 byte, formatVersion
//	body
//	crc      4 bytes, big endian: CRC-32C of everything before

const (
	formatVersion = 1
	envelopeSize  = 1 + crc32.Size

	// maxString bounds names and addresses, in bytes.
	maxString = 512
)

var (
	// ErrNewerFormat: a log entry, snapshot or directory was written by a newer
	// version of the program. Run that version, or a newer one.
	ErrNewerFormat = errors.New("written by a newer version of the program")

	errCorrupt = errors.New("corrupt encoding")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// writer appends primitives to an envelope.
type writer struct{ b []byte }

func newWriter(size int) *writer {
	w := &writer{b: make([]byte, 0, size+envelopeSize)}
	w.byte(formatVersion)
	return w
}

func (w *writer) byte(v byte)   { w.b = append(w.b, v) }
func (w *writer) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) id(v uint64)   { w.b = binary.BigEndian.AppendUint64(w.b, v) }

func (w *writer) string(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) bool(v bool) {
	if v {
		w.byte(1)
	} else {
		w.byte(0)
	}
}

// seal ends the envelope and returns it.
func (w *writer) seal() []byte {
	return binary.BigEndian.AppendUint32(w.b, crc32.Checksum(w.b, castagnoli))
}

// reader takes primitives from an envelope. The first fault stays in err, and
// everything read after it is zero.
type reader struct {
	b   []byte
	err error
}

// openEnvelope checks version and checksum and returns a reader of the body.
func openEnvelope(b []byte) (*reader, error) {
	if len(b) < envelopeSize {
		return nil, fmt.Errorf("%w: %d bytes", errCorrupt, len(b))
	}
	body, sum := b[:len(b)-crc32.Size], binary.BigEndian.Uint32(b[len(b)-crc32.Size:])
	if got := crc32.Checksum(body, castagnoli); got != sum {
		return nil, fmt.Errorf("%w: checksum %08x, want %08x", errCorrupt, got, sum)
	}
	if body[0] > formatVersion {
		return nil, fmt.Errorf("%w: format %d, this one knows %d", ErrNewerFormat, body[0], formatVersion)
	}
	if body[0] != formatVersion {
		return nil, fmt.Errorf("%w: format %d", errCorrupt, body[0])
	}
	return &reader{b: body[1:]}, nil
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errCorrupt, what)
	}
	r.b = nil
}

func (r *reader) byte() byte {
	if len(r.b) < 1 {
		r.fail("ends early")
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("bad number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) id() uint64 {
	if len(r.b) < 8 {
		r.fail("ends early")
		return 0
	}
	v := binary.BigEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

func (r *reader) string() string {
	n := r.uint()
	if n > maxString || n > uint64(len(r.b)) {
		r.fail("string too long")
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) bool() bool {
	v := r.byte()
	if v > 1 {
		r.fail("bad truth value")
	}
	return v == 1
}

// count reads the number of items that follow, each at least size bytes long, so
// that no memory is taken for more than can be there.
func (r *reader) count(size int) int {
	n := r.uint()
	if n > uint64(len(r.b)/size) {
		r.fail("count beyond the end")
		return 0
	}
	return int(n)
}

// index reads a number below limit.
func (r *reader) index(limit int) int {
	v := r.uint()
	if v >= uint64(limit) {
		r.fail("index out of range")
		return 0
	}
	return int(v)
}

// end reports the first fault, or that something is left over.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.fail(fmt.Sprintf("%d bytes too many", len(r.b)))
	}
	return r.err
}
