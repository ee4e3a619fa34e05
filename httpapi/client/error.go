package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Every error of a Client is an *Error and one of these, for errors.Is.
var (
	// ErrNotDone: nothing took effect, and nothing will. Reads that go wrong
	// are this, too. Trying again is safe.
	ErrNotDone = errors.New("nothing took effect")
	// ErrUnknown: the request may have taken effect, or may yet. Read before
	// trying again.
	ErrUnknown = errors.New("outcome unknown")
	// ErrCondition: the condition of a write did not hold; nothing took effect.
	ErrCondition = errors.New("condition does not hold")
)

// Error says what became of a request.
type Error struct {
	Request string // method and path
	Status  int    // HTTP status; 0 if no answer came
	Detail  string // the node's sentence
	Unknown bool   // the request may have taken effect
	Err     error  // what went wrong, if no answer came
}

func (e *Error) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("%s: %s (status %d)", e.Request, e.Detail, e.Status)
	}
	if e.Unknown {
		return fmt.Sprintf("%s: %v, %v", e.Request, ErrUnknown, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Request, e.Err)
}

// Unwrap returns what went wrong on the way.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is tell the three kinds apart.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnknown:
		return e.Unknown
	case ErrCondition:
		return e.Status == http.StatusPreconditionFailed
	case ErrNotDone:
		return !e.Unknown
	}
	return false
}

// sentenceLimit bounds what is read of an error's body.
const sentenceLimit = 4 << 10

// answerError reads an answer that is no success. What took effect is unknown
// after a 5xx that does not say otherwise.
func answerError(what string, changes bool, resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, sentenceLimit))
	e := &Error{Request: what, Status: resp.StatusCode, Detail: strings.TrimSpace(string(text))}
	if err != nil || e.Detail == "" {
		e.Detail = http.StatusText(resp.StatusCode)
	}
	e.Unknown = changes && (resp.Header.Get("DHT-Outcome") == "unknown" ||
		resp.StatusCode >= 500 && resp.StatusCode != http.StatusServiceUnavailable)
	return e
}

// unwrapURL takes off what net/http puts around an error: method and URL, which
// Error has itself.
func unwrapURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
