package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
)

const (
	keyBytes   = 16 // of every key
	stampBytes = 8  // at the start of every value put, other ones each time
)

// keyOf returns the key with a number.
func keyOf(n int) string { return fmt.Sprintf("key-%012d", n) }

// request is one prepared request. The key, and the start of the value, are
// overwritten in place, so each connection has its own.
type request struct {
	bytes   []byte
	keyAt   int
	valueAt int // 0: it carries no value
}

func newGet() *request {
	r := &request{bytes: []byte("GET /db/")}
	r.keyAt = len(r.bytes)
	r.bytes = append(r.bytes, make([]byte, keyBytes)...)
	r.bytes = append(r.bytes, " HTTP/1.1\r\nHost: bench\r\n\r\n"...)
	return r
}

func newPut(valueBytes int) *request {
	r := &request{bytes: []byte("PUT /db/")}
	r.keyAt = len(r.bytes)
	r.bytes = append(r.bytes, make([]byte, keyBytes)...)
	r.bytes = append(r.bytes, " HTTP/1.1\r\nHost: bench\r\nContent-Length: "...)
	r.bytes = strconv.AppendInt(r.bytes, int64(valueBytes), 10)
	r.bytes = append(r.bytes, "\r\n\r\n"...)
	r.valueAt = len(r.bytes)
	for range valueBytes {
		r.bytes = append(r.bytes, byte(rand.Uint32()))
	}
	return r
}

// with returns the request for a key, with a value that was not sent before. It is
// valid until the next call.
func (r *request) with(key string, random *rand.Rand) []byte {
	copy(r.bytes[r.keyAt:], key)
	if r.valueAt > 0 {
		binary.LittleEndian.PutUint64(r.bytes[r.valueAt:], random.Uint64())
	}
	return r.bytes
}
