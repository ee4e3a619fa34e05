package httpapi

import (
	"fmt"
	"net/http"
	"strconv"

	"pipelinedht/partition"
)

// errNoKey is the answer for a missing key under "Prefer: handling=strict".
var errNoKey = faultf(http.StatusNotFound, "the key has no value")

// errPartial keeps a part from being taken for the whole, as RFC 9110, section
// 14.5, wants it.
var errPartial = faultf(http.StatusBadRequest, "Content-Range: a value is written whole, not in parts")

// getKey reads the key.
func (s *Server) getKey(w http.ResponseWriter, r *http.Request, key string) int {
	match, noneMatch, err := conditions(r.Header)
	if err != nil {
		return s.refuse(w, r, key, err)
	}
	result, held, err := s.read(r, key)
	if held > 0 {
		defer s.answers.give(held, connectionOf(r.Context()))
	}
	defer result.Close()
	h := w.Header()
	stamp := result.Record.Stamp
	if err != nil || !result.Found {
		stamp = 0
	}
	s.describeKey(h, key, result.Info, stamp)
	switch {
	case err != nil:
		return fail(w, r, err)
	case match.given && !match.match(result.Found, uint64(stamp), false):
		return fail(w, r, conditionFailed(stamp))
	case !result.Found:
		return answerMissing(w, r)
	case noneMatch.given && noneMatch.match(true, uint64(stamp), true):
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified
	}
	answerValue(w, r, result.Record.Value)
	return http.StatusOK
}

// maxGrowths bounds how often a read starts over because the value grew while it
// waited for memory.
const maxGrowths = 8

// read gets a key from the Table. A large value holds so many bytes of memory, which
// the caller gives back. How many it takes shows when it is read: where there is
// not as much left, it is let go and read again when there is.
func (s *Server) read(r *http.Request, key string) (result partition.Result, held int, err error) {
	for range maxGrowths {
		if err := s.slots.take(r.Context(), 1); err != nil {
			return partition.Result{}, held, err
		}
		result, err = s.table.Get(r.Context(), []byte(key))
		s.slots.give(1)
		size := len(result.Record.Value)
		if err != nil || size <= max(smallBody, held) {
			return result, held, err
		}
		one := connectionOf(r.Context())
		s.answers.give(held, one)
		if held = size; s.answers.tryTake(size, one) {
			return result, held, nil
		}
		result.Close()
		if err := s.answers.take(r.Context(), size, one); err != nil {
			return partition.Result{Info: result.Info}, 0, err
		}
	}
	return partition.Result{Info: result.Info}, held, errGrowing
}

var errGrowing = fmt.Errorf("%w: the value grows with each look at it", partition.ErrUnavailable)

// putKey stores the body. Key and body are decided on before the body is read.
func (s *Server) putKey(w http.ResponseWriter, r *http.Request, key string) int {
	op := partition.Op{Kind: partition.OpPut}
	var err error
	if _, partial := r.Header["Content-Range"]; partial {
		return s.refuse(w, r, key, errPartial)
	}
	if op.Condition, err = writeCondition(r.Header); err != nil {
		return s.refuse(w, r, key, err)
	}
	body, held, err := s.readBody(r, s.limits.ValueBytes, "value")
	if held > 0 {
		defer s.bodies.give(held, connectionOf(r.Context()))
	}
	if err != nil {
		return s.refuse(w, r, key, err)
	}
	op.Value = body
	return s.write(w, r, key, op)
}

// deleteKey removes the key. A body is ignored.
func (s *Server) deleteKey(w http.ResponseWriter, r *http.Request, key string) int {
	op := partition.Op{Kind: partition.OpDelete}
	var err error
	if op.Condition, err = writeCondition(r.Header); err != nil {
		return s.refuse(w, r, key, err)
	}
	return s.write(w, r, key, op)
}

// write carries op out on key and answers with what came of it.
func (s *Server) write(w http.ResponseWriter, r *http.Request, key string, op partition.Op) int {
	if err := s.slots.take(r.Context(), 1); err != nil {
		return s.refuse(w, r, key, err)
	}
	op.Key = []byte(key)
	outcome, info, err := s.table.Write(r.Context(), op)
	s.slots.give(1)
	h := w.Header()
	stamp := outcome.Stamp
	if err != nil || op.Kind == partition.OpDelete && !outcome.Failed {
		stamp = 0
	}
	s.describeKey(h, key, info, stamp)
	switch {
	case err != nil:
		return fail(w, r, writeError(err))
	case outcome.Failed:
		return fail(w, r, conditionFailed(stamp))
	case op.Kind == partition.OpDelete && !outcome.Existed:
		return answerMissing(w, r)
	}
	w.WriteHeader(http.StatusOK)
	return http.StatusOK
}

// answerMissing answers a request for a key without a value.
func answerMissing(w http.ResponseWriter, r *http.Request) int {
	h := w.Header()
	h["DHT-Found"] = notFound
	if prefersStrict(r.Header) {
		h["Preference-Applied"] = strictApplied
		return fail(w, r, errNoKey)
	}
	h["Content-Length"] = noLength
	w.WriteHeader(http.StatusOK)
	return http.StatusOK
}

// answerPiece is how many bytes of a value are written at a time: with each that
// it takes the client shows that it is there.
const answerPiece = 256 << 10

// answerValue writes a value with status 200, only its length to a HEAD.
func answerValue(w http.ResponseWriter, r *http.Request, value []byte) {
	h := w.Header()
	h["Content-Type"] = typeValue
	head := r.Method == http.MethodHead
	// net/http finds out the length of a short body by itself, and cheaper.
	if head || len(value) > 1024 {
		h["Content-Length"] = []string{strconv.Itoa(len(value))}
	}
	switch {
	case head:
		return
	case len(value) <= smallBody:
		w.Write(value)
		return
	}
	one := connectionOf(r.Context())
	for err := error(nil); len(value) > 0 && err == nil; {
		piece := value[:min(len(value), answerPiece)]
		value = value[len(piece):]
		one.waits()
		_, err = w.Write(piece)
	}
}
