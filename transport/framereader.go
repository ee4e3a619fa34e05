package transport

import "io"

// Sizes of a connection's read buffer, in bytes. It begins small, since most
// connections are idle, and doubles whenever one read fills it.
const (
	minReadBuffer = 2 << 10
	maxReadBuffer = 64 << 10
)

// frameReader takes frames from a connection, many of them with one read. Bodies
// are copies, or were read into memory of their own: they are the receiver's.
type frameReader struct {
	src   io.Reader
	limit int // of a body
	// pause is called before every read of src, when no whole frame is left.
	pause func()
	// large is called before memory is taken for a body that does not fit the
	// read buffer; the func that it returns once that body is read or given up.
	large func(size int) (done func(), err error)

	buf    []byte
	r, w   int  // buf[r:w] is read and not yet taken
	filled bool // the last read filled buf
}

// next returns the next frame. After an error the stream is of no more use.
func (f *frameReader) next() (header, []byte, error) {
	if err := f.fill(headerSize); err != nil {
		return header{}, nil, err
	}
	head := f.buf[f.r : f.r+headerSize]
	h, err := parseHeader(head, f.limit)
	if err != nil {
		return header{}, nil, err
	}
	if headerSize+h.length > maxReadBuffer {
		return f.nextLarge(h)
	}
	if err := f.fill(headerSize + h.length); err != nil {
		return header{}, nil, err
	}
	frame := f.buf[f.r : f.r+headerSize+h.length]
	f.r += len(frame)
	if checksum(frame, frame[headerSize:]) != h.sum {
		return header{}, nil, errFrameSum
	}
	if h.length == 0 {
		return h, nil, nil
	}
	body := make([]byte, h.length)
	copy(body, frame[headerSize:])
	return h, body, nil
}

// nextLarge reads the body into memory of its own.
func (f *frameReader) nextLarge(h header) (header, []byte, error) {
	var head [headerSize]byte
	f.r += copy(head[:], f.buf[f.r:])
	done, err := f.large(h.length)
	if err != nil {
		return header{}, nil, err
	}
	defer done()
	body := make([]byte, h.length)
	n := copy(body, f.buf[f.r:f.w])
	f.r += n
	for n < len(body) {
		f.pause()
		m, err := f.src.Read(body[n:])
		n += m
		if err != nil && n < len(body) {
			return header{}, nil, unexpected(err)
		}
	}
	if checksum(head[:], body) != h.sum {
		return header{}, nil, errFrameSum
	}
	return h, body, nil
}

// fill reads until n bytes, at most maxReadBuffer, are there to be taken.
func (f *frameReader) fill(n int) error {
	for f.w-f.r < n {
		f.makeRoom(n)
		f.pause()
		m, err := f.src.Read(f.buf[f.w:])
		f.w += m
		f.filled = f.w == len(f.buf)
		if err != nil && f.w-f.r < n {
			if f.w > f.r {
				err = unexpected(err)
			}
			return err
		}
	}
	return nil
}

// makeRoom makes room to read into, in a buffer that holds n bytes.
func (f *frameReader) makeRoom(n int) {
	size := max(len(f.buf), minReadBuffer)
	if f.filled && size < maxReadBuffer {
		size *= 2
	}
	for size < n {
		size *= 2
	}
	switch {
	case size > len(f.buf):
		buf := make([]byte, size)
		f.w = copy(buf, f.buf[f.r:f.w])
		f.buf, f.r = buf, 0
	case f.r == f.w || f.r+n > len(f.buf):
		f.w = copy(f.buf, f.buf[f.r:f.w])
		f.r = 0
	}
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
