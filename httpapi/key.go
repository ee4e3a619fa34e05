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
