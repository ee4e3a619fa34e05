package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"pipelinedht/partition"
)

// fault is an error with the status that it is answered with.
type fault struct {
	status int
	err    error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

func faultf(status int, format string, args ...any) error {
	return &fault{status, fmt.Errorf(format, args...)}
}

// answers is the one table from errors to statuses; the first that matches
// counts. The advice is added to the error's text.
var answers = []struct {
	err    error
	status int
	advice string
}{
	{partition.ErrUnknown, http.StatusGatewayTimeout, "; read before you try again"},
	{partition.ErrNoSpace, http.StatusServiceUnavailable, ""},
	{partition.ErrUnavailable, http.StatusServiceUnavailable, "; try again"},
	{partition.ErrNotPrimary, http.StatusServiceUnavailable, "; try again"},
	{partition.ErrFloor, http.StatusServiceUnavailable, "; try again"},
	{ErrJoin, http.StatusBadRequest, ""},
	{ErrConflict, http.StatusConflict, ""},
	{ErrNoPeer, http.StatusNotFound, ""},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, ": the time was up; try again"},
	{context.Canceled, http.StatusServiceUnavailable, ": the request was given up"},
}

// describe returns status and sentence for err.
func describe(err error) (status int, detail string) {
	var f *fault
	if errors.As(err, &f) {
		return f.status, f.Error()
	}
	for _, a := range answers {
		if errors.Is(err, a.err) {
			return a.status, err.Error() + a.advice
		}
	}
	return http.StatusInternalServerError, err.Error()
}

// writeError returns err as it stands if it says that nothing took effect, else
// as partition.ErrUnknown.
func writeError(err error) error {
	for _, harmless := range []error{partition.ErrUnknown, partition.ErrUnavailable, partition.ErrNotPrimary, partition.ErrFloor} {
		if errors.Is(err, harmless) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", partition.ErrUnknown, err)
}

// problem is the body of an error in JSON (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// fail answers with err and returns the status.
func fail(w http.ResponseWriter, r *http.Request, err error) int {
	status, detail := describe(err)
	h := w.Header()
	delete(h, "Content-Length")
	switch status {
	case http.StatusServiceUnavailable:
		h["Retry-After"] = retryAfter
	case http.StatusGatewayTimeout:
		h["DHT-Outcome"] = outcomeUnknown
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong:
		// net/http would else wait for the rest of the body before it answers.
		if r.ContentLength != 0 {
			h["Connection"] = connectionClose
		}
	}
	var body []byte
	if wantsJSON(r.Header) {
		h["Content-Type"] = typeProblem
		// A struct of strings and a number can always be encoded.
		body, _ = json.Marshal(problem{"about:blank", http.StatusText(status), status, detail})
	} else {
		h["Content-Type"] = typeText
		body = []byte(strings.NewReplacer("\r", " ", "\n", " ").Replace(detail))
	}
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
	return status
}
