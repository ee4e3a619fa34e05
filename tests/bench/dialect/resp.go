package dialect

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"

	"pipelinedht/httpapi/load"
)

// RESP is the protocol of Redis, version 2: GET, SET and DEL.
type RESP struct {
	// Wait, if positive, has every SET followed by a WAIT in the same request: it
	// succeeds once that many replicas have acknowledged it, and otherwise counts as
	// http.StatusGatewayTimeout. A command that is refused then breaks the
	// connection, for its answer does not tell whether WAIT's is still to come.
	Wait int
}

// waitAtMost is what a WAIT waits for, in milliseconds.
const waitAtMost = "10000"

// Speaker implements load.Dialect.
func (d RESP) Speaker(keyBytes, valueBytes int) load.Speaker {
	return &respSpeaker{wait: d.Wait, keyBytes: keyBytes, valueBytes: valueBytes}
}

type respSpeaker struct {
	wait                 int
	keyBytes, valueBytes int
	requests             [opCount]prepared
}

// Request implements load.Speaker.
func (s *respSpeaker) Request(op load.Op, key []byte, stamp uint64) []byte {
	r := &s.requests[op]
	if r.bytes == nil {
		s.prepare(op, r)
	}
	copy(r.bytes[r.keyAt:], key)
	if r.valueAt > 0 {
		binary.LittleEndian.PutUint64(r.bytes[r.valueAt:], stamp)
	}
	return r.bytes
}

var respVerbs = [opCount]string{load.Get: "GET", load.Put: "SET", load.Delete: "DEL"}

func (s *respSpeaker) prepare(op load.Op, r *prepared) {
	words := [][]byte{[]byte(respVerbs[op]), make([]byte, s.keyBytes)}
	if op == load.Put {
		words = append(words, load.RandomValue(s.valueBytes))
	}
	r.bytes = appendCommand(nil, words...)
	// The last word ends in front of "\r\n", and so does the key in front of the
	// value's length, if there is one.
	last := len(r.bytes) - len("\r\n") - len(words[len(words)-1])
	r.keyAt = last
	if op != load.Put {
		return
	}
	r.valueAt = last
	r.keyAt = last - len(appendLength(nil, '$', s.valueBytes)) - len("\r\n") - s.keyBytes
	if s.wait > 0 {
		r.bytes = appendCommand(r.bytes, []byte("WAIT"), strconv.AppendInt(nil, int64(s.wait), 10), []byte(waitAtMost))
	}
}

// appendCommand appends a command as an array of strings.
func appendCommand(to []byte, words ...[]byte) []byte {
	to = appendLength(to, '*', len(words))
	for _, w := range words {
		to = append(append(appendLength(to, '$', len(w)), w...), "\r\n"...)
	}
	return to
}

func appendLength(to []byte, kind byte, n int) []byte {
	return append(strconv.AppendInt(append(to, kind), int64(n), 10), "\r\n"...)
}

// Answer implements load.Speaker. A key that is missing counts as
// http.StatusNotFound.
func (s *respSpeaker) Answer(r *bufio.Reader) (int, error) {
	kind, status, err := readReply(r)
	if err != nil || s.wait == 0 {
		return status, err
	}
	switch kind {
	case '-':
		return load.NoAnswer, fmt.Errorf("a command was refused with %d", status)
	case '+': // of a SET: its WAIT follows
		return s.awaited(r)
	}
	return status, nil
}

// awaited reads the answer to a WAIT.
func (s *respSpeaker) awaited(r *bufio.Reader) (int, error) {
	line, err := readLine(r)
	if err != nil {
		return load.NoAnswer, err
	}
	replicas, err := strconv.Atoi(string(line[1:]))
	if err != nil || line[0] != ':' {
		return load.NoAnswer, fmt.Errorf("%q is no answer to WAIT", line)
	}
	if replicas < s.wait {
		return http.StatusGatewayTimeout, nil
	}
	return load.StatusOK, nil
}

// readReply reads one answer of a kind that the commands here have: +status, -error,
// :number or $length with that many bytes.
func readReply(r *bufio.Reader) (kind byte, status int, err error) {
	line, err := readLine(r)
	if err != nil {
		return 0, load.NoAnswer, err
	}
	switch kind = line[0]; kind {
	case '+', ':':
		return kind, load.StatusOK, nil
	case '-':
		return kind, refusal(line[1:]), nil
	case '$':
		length, err := strconv.Atoi(string(line[1:]))
		if err != nil || length < -1 {
			return 0, load.NoAnswer, fmt.Errorf("%q is no length", line)
		}
		if length == -1 {
			return kind, http.StatusNotFound, nil
		}
		if _, err := r.Discard(length + len("\r\n")); err != nil {
			return 0, load.NoAnswer, err
		}
		return kind, load.StatusOK, nil
	}
	return 0, load.NoAnswer, fmt.Errorf("%q is no answer", line)
}

// readLine returns the next line without its end; it has one byte at least.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	line = bytes.TrimSuffix(line, []byte("\r\n"))
	if len(line) == 0 || line[len(line)-1] == '\n' {
		return nil, fmt.Errorf("%q is no line of an answer", line)
	}
	return line, nil
}

// refusals are the errors that are not the request's fault, by their first word.
var refusals = []struct {
	word   string
	status int
}{
	{"MOVED", http.StatusMisdirectedRequest}, // another server has the key
	{"ASK", http.StatusMisdirectedRequest},   // another one is about to have it
	{"CLUSTERDOWN", http.StatusServiceUnavailable},
	{"LOADING", http.StatusServiceUnavailable},
	{"TRYAGAIN", http.StatusServiceUnavailable},
}

func refusal(text []byte) int {
	word, _, _ := bytes.Cut(text, []byte(" "))
	for _, r := range refusals {
		if string(word) == r.word {
			return r.status
		}
	}
	return http.StatusBadRequest
}
