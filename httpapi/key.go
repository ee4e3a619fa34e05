package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"pipelinedht/partition"
)

// keyPrefix stands before every key. It is tested for ahead of the router, whose
// variable routes cost more than the rest of a request.
const keyPrefix = "/db/"

// keyIn returns the key that a request's path names. net/url has unescaped the
// path, exactly once and rejecting bad escapes, and nothing has cleaned it; so
// what follows the prefix is the key, byte by byte. The prefix itself must stand
// there unescaped: "/db%2Fk" is no key.
func keyIn(u *url.URL) (key string, ok bool) {
	if u.RawPath != "" && !strings.HasPrefix(u.RawPath, keyPrefix) {
		return "", false
	}
	return strings.CutPrefix(u.Path, keyPrefix)
}

// keyMethods is the Allow header of a key.
var keyMethods = []string{"GET, HEAD, PUT, POST, DELETE"}

// serveKey answers a request for one key and returns the status.
func (s *Server) serveKey(w http.ResponseWriter, r *http.Request, key string) int {
	if key == "" {
		return fail(w, r, faultf(http.StatusBadRequest, "empty key: write it after %s, percent-encoded; %s alone lists the keys", keyPrefix, "/db"))
	}
	if len(key) > s.limits.KeyBytes {
		return s.refuse(w, r, key, faultf(http.StatusRequestURITooLong, "key of %d bytes: at most %d are allowed", len(key), s.limits.KeyBytes))
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return s.getKey(w, r, key)
	case http.MethodPut, http.MethodPost:
		if crossSite(r.Header) {
			return s.refuse(w, r, key, errCrossSite)
		}
		return s.putKey(w, r, key)
	case http.MethodDelete:
		return s.deleteKey(w, r, key)
	}
	w.Header()["Allow"] = keyMethods
	return s.refuse(w, r, key, methodFault(r.Method, keyMethods))
}

// refuse answers a request for key that did not reach the table.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, key string, err error) int {
	s.describeKey(w.Header(), key, partition.Info{}, 0)
	return fail(w, r, err)
}

// errNoKey is the answer for a missing key under "Prefer: handling=strict".
var errNoKey = faultf(http.StatusNotFound, "the key has no value")

func (s *Server) getKey(w http.ResponseWriter, r *http.Request, key string) int {
	match, noneMatch, err := conditions(r.Header)
	if err != nil {
		return s.refuse(w, r, key, err)
	}
	if err := s.slots.take(r.Context(), 1); err != nil {
		return s.refuse(w, r, key, err)
	}
	result, err := s.table.Get(r.Context(), []byte(key))
	s.slots.give(1)
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

// putKey stores the body. Key and body are decided on before the body is read.
func (s *Server) putKey(w http.ResponseWriter, r *http.Request, key string) int {
	op := partition.Op{Kind: partition.OpPut}
	var err error
	if op.Condition, err = writeCondition(r.Header); err != nil {
		return s.refuse(w, r, key, err)
	}
	body, held, err := s.readBody(r, s.limits.ValueBytes, "value")
	defer s.bodies.give(held)
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
