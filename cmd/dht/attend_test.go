package main

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// stuck is a node that cannot be closed: something of it hangs in a system call.
type stuck struct {
	ended chan struct{} // closed when it fails
	why   error
	frees chan struct{} // closed when nothing hangs any more
}

func (s *stuck) Done() <-chan struct{} { return s.ended }

func (s *stuck) Wait() error {
	<-s.ended
	return s.why
}

func (s *stuck) Close(context.Context) error {
	<-s.frees
	return nil
}

func TestANodeThatHasFailedEndsTheProcessThoughItCannotBeClosed(t *testing.T) {
	const never = time.Duration(1<<63 - 1)
	for _, tt := range []struct {
		name            string
		stopped, failed time.Duration // when it is told to stop, and when it fails
		want            time.Duration // when the process ends
		stdout          string
	}{
		{"while it serves", never, time.Minute, time.Minute + failedPatience, ""},
		{"while it stops", time.Minute, 2 * time.Minute, 2*time.Minute + failedPatience, "stops\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &stuck{ended: make(chan struct{}), why: errors.New("the disk hangs"), frees: make(chan struct{})}
				defer close(n.frees)
				time.AfterFunc(tt.failed, func() { close(n.ended) })
				ctx, stop := context.WithTimeout(t.Context(), tt.stopped)
				defer stop()

				var stdout, stderr bytes.Buffer
				p := &program{stdout: &stdout, stderr: &stderr, parsed: true}
				began := time.Now()
				status := p.end(attend(ctx, n, time.Hour, func() { stdout.WriteString("stops\n") }))
				if took := time.Since(began); status != exitError || stderr.String() != "dht: the disk hangs\n" || took != tt.want {
					t.Errorf("got exit status %d and %q after %v, want %d, the reason, after %v", status, stderr.String(), took, exitError, tt.want)
				}
				if stdout.String() != tt.stdout {
					t.Errorf("printed %q, want %q", stdout.String(), tt.stdout)
				}
			})
		})
	}
}
