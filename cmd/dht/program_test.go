package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// ran is what one command line did.
type ran struct {
	status         int
	stdout, stderr string
}

// command runs a command line to its end, with an environment of "NAME=value"
// entries alone.
func command(t *testing.T, stdin string, environment []string, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := &program{stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr, lookup: lookupIn(environment)}
	status := p.run(t.Context(), args)
	return ran{status, stdout.String(), stderr.String()}
}

func lookupIn(environment []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, entry := range environment {
			if value, ok := strings.CutPrefix(entry, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
}

// expect fails the test unless the command ended with that status and printed
// exactly that.
func (r ran) expect(t *testing.T, what string, status int, stdout string) {
	t.Helper()
	if r.status != status || r.stdout != stdout {
		t.Errorf("%s: got exit status %d and %q (errors %q), want %d and %q", what, r.status, r.stdout, r.stderr, status, stdout)
	}
}

// lockedBuffer is written by a running program while a test reads it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// served is a node that runs in this process, as "dht serve" starts it.
type served struct {
	address string
	stdout  *lockedBuffer
	stop    func() int // as SIGTERM does; returns the exit status
}

var startLine = regexp.MustCompile(`serves http://(\S+),`)

// serve starts a node on a free port and waits for its first line.
func serve(t *testing.T, environment []string, args ...string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var stderr lockedBuffer
	s := &served{stdout: new(lockedBuffer)}
	p := &program{stdin: strings.NewReader(""), stdout: s.stdout, stderr: &stderr, lookup: lookupIn(environment)}
	ended := make(chan int, 1)
	go func() { ended <- p.run(ctx, append([]string{"serve", "--port", "0"}, args...)) }()
	s.stop = sync.OnceValue(func() int {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { s.stop() })
	deadline := time.Now().Add(20 * time.Second)
	for {
		if line := startLine.FindStringSubmatch(s.stdout.String()); line != nil {
			s.address = line[1]
			return s
		}
		select {
		case status := <-ended:
			t.Fatalf("dht serve %q ended with %d: %s", args, status, stderr.String())
		case <-time.After(time.Until(deadline)):
			t.Fatalf("dht serve %q says nothing: %s", args, stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// at runs a command against the node.
func (s *served) at(t *testing.T, stdin string, args ...string) ran {
	t.Helper()
	return command(t, stdin, []string{"DHT_ADDR=" + s.address}, args...)
}

// quoted returns a command line for messages.
func quoted(args []string) string { return fmt.Sprintf("dht %q", args) }
