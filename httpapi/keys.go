package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"
)

// A listing of keys is streamed, in one of two forms:
//
//	text: each key followed by CR LF. '%', and the bytes 0 to 31 and 127, are
//	      written as %XX, so that a line is one key and unescaping gives it back.
//	JSON: an array with a string for each key that is UTF-8, and {"base64": "..."}
//	      (standard alphabet, padded) for each other.

// listingChunk is about how many bytes of a listing are gathered before they are
// sent.
const listingChunk = 32 << 10

// listingBytes is what a listing counts for in Limits.AnswerBytes.
const listingBytes = 1 << 20

// listKeys streams the keys that this node is primary for.
func (s *Server) listKeys(w http.ResponseWriter, r *http.Request) int {
	h := w.Header()
	h["Vary"] = varyAccept
	one := connectionOf(r.Context())
	list := listing{w: w, one: one, control: http.NewResponseController(w), patience: s.limits.AnswerTimeout, json: wantsJSON(r.Header)}
	h["Content-Type"] = typeText
	if list.json {
		h["Content-Type"] = typeJSON
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return http.StatusOK
	}
	if err := s.answers.take(r.Context(), listingBytes, one); err != nil {
		return fail(w, r, err)
	}
	defer s.answers.give(listingBytes, one)
	err := s.table.Keys(r.Context(), list.add)
	switch {
	case list.err != nil || err != nil && list.sent:
		// The status is out already: cut the connection, so that the client
		// does not take what it has for the whole.
		panic(http.ErrAbortHandler)
	case err != nil:
		return fail(w, r, err)
	}
	list.end()
	return http.StatusOK
}

// listing writes keys as they come.
type listing struct {
	w        http.ResponseWriter
	one      *connection
	control  *http.ResponseController
	patience time.Duration // for one chunk to be read by the client
	json     bool
	some     bool // keys so far
	sent     bool // parts of it so far
	buf      []byte
	err      error // of the connection
}

// add appends one key and reports whether the client is still there.
func (l *listing) add(key []byte) bool {
	switch {
	case !l.json:
		l.buf = append(AppendLine(l.buf, key), '\r', '\n')
	case l.some:
		l.buf = appendJSON(append(l.buf, ',', '\n'), key)
	default:
		l.buf = appendJSON(append(l.buf, '['), key)
	}
	l.some = true
	if len(l.buf) >= listingChunk {
		l.flush()
	}
	return l.err == nil
}

func (l *listing) end() {
	if l.json {
		if !l.some {
			l.buf = append(l.buf, '[')
		}
		l.buf = append(l.buf, ']', '\n')
	}
	l.flush()
}

func (l *listing) flush() {
	// Not every ResponseWriter has deadlines; a listing then has none.
	_ = l.control.SetWriteDeadline(time.Now().Add(l.patience))
	l.one.waits()
	_, l.err = l.w.Write(l.buf)
	l.one.works()
	l.buf = l.buf[:0]
	l.sent = true
}

// AppendLine appends key in the form of the text listing, without CR LF.
func AppendLine(buf, key []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range key {
		if c < 0x20 || c == 0x7f || c == '%' {
			buf = append(buf, '%', digits[c>>4], digits[c&15])
		} else {
			buf = append(buf, c)
		}
	}
	return buf
}

// appendJSON appends key in the form of the JSON listing.
func appendJSON(buf, key []byte) []byte {
	if utf8.Valid(key) {
		// A valid string can always be encoded.
		text, _ := json.Marshal(string(key))
		return append(buf, text...)
	}
	buf = append(buf, `{"base64":"`...)
	buf = base64.StdEncoding.AppendEncode(buf, key)
	return append(buf, `"}`...)
}
