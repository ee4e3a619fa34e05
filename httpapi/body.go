package httpapi

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
)

// bodyPiece is how many bytes of a body a client must send within Limits.Stall not
// to be taken for silent: byte by byte is not enough.
const bodyPiece = 64 << 10

// bodyReader reads a body from a client, which may keep it waiting.
type bodyReader struct {
	s    *Server
	r    *http.Request
	one  *connection
	left int // of the piece
}

func (b *bodyReader) Read(p []byte) (int, error) {
	if b.left == 0 {
		if len(p) >= bodyPiece {
			// To have waited for too long is no reason to give up half way.
			_ = b.s.bulk.pass(b.r.Context())
		}
		b.left = bodyPiece
		b.one.waits()
	}
	n, err := b.r.Body.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// readBody reads a request's body of at most limit bytes; what names it in
// errors. It takes held bytes of memory for a large one, which the caller gives
// back whatever the error.
//
// A body that is announced as too large, or for which there is no room, is
// refused before it is read.
func (s *Server) readBody(r *http.Request, limit int, what string) (body []byte, held int, err error) {
	announced := r.ContentLength // -1: not announced
	one := connectionOf(r.Context())
	defer one.works()
	if announced > int64(limit) {
		return nil, 0, faultf(http.StatusRequestEntityTooLarge, "%s of %d bytes: at most %d are allowed", what, announced, limit)
	}
	if announced > smallBody {
		if err := s.bodies.take(r.Context(), int(announced), one); err != nil {
			return nil, 0, err
		}
		held = int(announced)
	}
	if announced >= 0 {
		from := io.Reader(r.Body)
		if announced > bodyPiece {
			from = &bodyReader{s: s, r: r, one: one}
		} else {
			one.waits()
		}
		body = make([]byte, announced)
		n, err := io.ReadFull(from, body)
		if err != nil {
			return nil, held, bodyFault(err, what, n, strconv.FormatInt(announced, 10))
		}
		return body, held, nil
	}
	return s.readChunked(&bodyReader{s: s, r: r, one: one}, limit, what)
}

// readChunked reads a body whose length is not known beforehand. Room for the
// largest one is taken once it proves not to be small.
func (s *Server) readChunked(from *bodyReader, limit int, what string) (body []byte, held int, err error) {
	body, err = io.ReadAll(io.LimitReader(from, int64(min(smallBody, limit))+1))
	if err == nil && len(body) > smallBody {
		from.one.works() // it is the client who waits now
		if err := s.bodies.take(from.r.Context(), limit, from.one); err != nil {
			return nil, 0, err
		}
		held = limit
		from.left = 0 // now the server waits again
		var rest []byte
		rest, err = io.ReadAll(io.LimitReader(from, int64(limit+1-len(body))))
		body = append(body, rest...)
	}
	if err != nil {
		return nil, held, bodyFault(err, what, len(body), "an unknown number of")
	}
	if len(body) > limit {
		return nil, held, faultf(http.StatusRequestEntityTooLarge, "%s of more than %d bytes: no more are allowed", what, limit)
	}
	return body, held, nil
}

// bodyFault says why a body stopped after n bytes.
func bodyFault(err error, what string, n int, of string) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return faultf(http.StatusRequestTimeout, "the %s was too slow: %d of %s bytes came in time; nothing was changed", what, n, of)
	}
	return faultf(http.StatusBadRequest, "the %s stopped after %d of %s bytes; nothing was changed", what, n, of)
}
