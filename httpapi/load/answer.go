package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

const (
	statusAt     = len("HTTP/1.1 ")
	statusDigits = 3
	chunked      = -2 // as a length: told chunk by chunk
)

var (
	errNoLength    = errors.New("the answer has neither Content-Length nor chunks")
	contentLength  = []byte("content-length:")
	transferCoding = []byte("transfer-encoding:")
	connection     = []byte("connection:")
)

// ReadAnswer reads one answer of HTTP/1.1 to a request other than HEAD, drops its
// body and returns its status, as Speaker.Answer does.
func ReadAnswer(r *bufio.Reader) (status int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < statusAt+statusDigits {
		return 0, fmt.Errorf("%q is no status line", line)
	}
	if status, err = strconv.Atoi(string(line[statusAt : statusAt+statusDigits])); err != nil {
		return 0, fmt.Errorf("%q is no status line", line)
	}
	length, last, err := readHeader(r)
	switch {
	case err != nil:
		return 0, err
	case length == chunked:
		err = dropChunks(r)
	case length < 0:
		err = errNoLength
	default:
		_, err = r.Discard(length)
	}
	if err == nil && last {
		err = ErrClosing
	}
	return status, err
}

// readHeader reads the fields, and returns the length of the body and whether the
// answer is the connection's last.
func readHeader(r *bufio.Reader) (length int, last bool, err error) {
	for length = -1; ; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return length, last, nil
		}
		// Most fields are none of these: their first letter tells that.
		switch line[0] | 0x20 {
		case 'c':
			if digits, ok := field(line, contentLength); ok {
				if length, err = strconv.Atoi(string(digits)); err != nil || length < 0 {
					return 0, false, fmt.Errorf("%q is no length", line)
				}
			} else if value, ok := field(line, connection); ok {
				last = bytes.EqualFold(value, []byte("close"))
			}
		case 't':
			if value, ok := field(line, transferCoding); ok && bytes.EqualFold(value, []byte("chunked")) {
				length = chunked
			}
		}
	}
}

// field returns the value of a line if it is the field of that name.
func field(line, name []byte) (value []byte, ok bool) {
	if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], name) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name):]), true
}

// dropChunks reads a body that comes in chunks, with what follows it.
func dropChunks(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(";"))
		size, err := strconv.ParseUint(string(digits), 16, 31)
		if err != nil {
			return fmt.Errorf("%q is no length of a chunk", line)
		}
		if size == 0 {
			_, _, err := readHeader(r)
			return err
		}
		if _, err := r.Discard(int(size) + len("\r\n")); err != nil {
			return err
		}
	}
}
