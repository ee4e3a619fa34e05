package load

import (
	"bufio"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
)

// HTTP is the hash table's own dialect: GET, PUT and DELETE of /db/{key} over
// HTTP/1.1. Keys stand in the path as they are.
type HTTP struct{}

// Speaker implements Dialect.
func (HTTP) Speaker(keyBytes, valueBytes int) Speaker {
	return &httpSpeaker{keyBytes: keyBytes, valueBytes: valueBytes}
}

type httpSpeaker struct {
	keyBytes, valueBytes int
	requests             [ops]httpRequest
}

// httpRequest is a request that has been prepared. Key and stamp are overwritten
// in place.
type httpRequest struct {
	bytes   []byte // nil: not needed so far
	keyAt   int
	stampAt int // 0: it carries no value
}

// Request implements Speaker.
func (s *httpSpeaker) Request(op Op, key []byte, stamp uint64) []byte {
	r := &s.requests[op]
	if r.bytes == nil {
		r.prepare(op, s.keyBytes, s.valueBytes)
	}
	copy(r.bytes[r.keyAt:], key)
	if r.stampAt > 0 {
		binary.LittleEndian.PutUint64(r.bytes[r.stampAt:], stamp)
	}
	return r.bytes
}

// Answer implements Speaker.
func (s *httpSpeaker) Answer(r *bufio.Reader) (int, error) { return ReadAnswer(r) }

func (r *httpRequest) prepare(op Op, keyBytes, valueBytes int) {
	r.bytes = append(r.bytes, op.String()+" /db/"...)
	r.keyAt = len(r.bytes)
	r.bytes = append(r.bytes, make([]byte, keyBytes)...)
	r.bytes = append(r.bytes, " HTTP/1.1\r\nHost: load\r\n"...)
	if op != Put {
		r.bytes = append(r.bytes, "\r\n"...)
		return
	}
	r.bytes = append(r.bytes, "Content-Length: "...)
	r.bytes = strconv.AppendInt(r.bytes, int64(valueBytes), 10)
	r.bytes = append(r.bytes, "\r\n\r\n"...)
	r.stampAt = len(r.bytes)
	r.bytes = append(r.bytes, RandomValue(valueBytes)...)
}

// RandomValue returns bytes that do not compress.
func RandomValue(n int) []byte {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	value := make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(value) // never fails
	return value
}
