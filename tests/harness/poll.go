package harness

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

const pollEvery = 10 * time.Millisecond

// stop wraps an error that ends a Poll at once.
type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

// Stop marks an error after which polling on is useless.
func Stop(err error) error { return stop{err} }

// Poll calls try until it returns nil, and returns the last error when within
// has passed or at once when it is marked by Stop.
func Poll(within time.Duration, try func() error) error {
	return PollEvery(pollEvery, within, try)
}

// PollEvery is Poll for what costs more to ask.
func PollEvery(pause, within time.Duration, try func() error) error {
	deadline := time.Now().Add(within)
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		err := try()
		var last stop
		switch {
		case err == nil:
			return nil
		case errors.As(err, &last):
			return last.error
		case time.Now().After(deadline):
			return fmt.Errorf("after %v still: %w", within, err)
		}
		<-ticker.C
	}
}

// Await is Poll that fails the test; what says what was waited for.
func Await(t testing.TB, within time.Duration, what string, try func() error) {
	t.Helper()
	if err := Poll(within, try); err != nil {
		t.Fatalf("wait until %s: %v", what, err)
	}
}
