package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// benchRow is a line of the final table with its number of requests.
var benchRow = regexp.MustCompile(`(?m)^(GET|PUT|all) +([1-9]\d*) `)

// rows returns the names of the rows that show at least one request.
func rows(output string) string {
	var names []string
	for _, m := range benchRow.FindAllStringSubmatch(output, -1) {
		names = append(names, m[1])
	}
	return strings.Join(names, " ")
}

func TestBenchPrintsFiguresAndLeavesOnlyWhatWasThere(t *testing.T) {
	n := serve(t, nil, "--name", "peer1")
	n.at(t, "", "put", "foreign", "v").expect(t, "put", exitOK, "")
	for line, want := range map[string]string{
		"":                         "GET PUT all",
		"--reads 100 --zipf 0.99":  "GET",
		"--reads 0 --value 4KiB":   "PUT",
		"--all-nodes --value 1MiB": "GET PUT all",
	} {
		got := n.at(t, "", words("bench --time 1s --connections 3 --keys 50 "+line)...)
		if got.status != exitOK || rows(got.stdout) != want || !strings.Contains(got.stdout, "errors          0\n") {
			t.Errorf("dht bench %s: got exit status %d, %s\n%s, want rows %s and no errors", line, got.status, got.stdout, got.stderr, want)
		}
		n.at(t, "", "keys").expect(t, "dht keys after dht bench "+line, exitOK, "foreign\n")
	}
	n.at(t, "", "get", "foreign").expect(t, "get", exitOK, "v")
}

func TestBenchInterruptedPrintsFiguresSoFar(t *testing.T) {
	n := serve(t, nil, "--name", "peer1")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var stdout, stderr lockedBuffer
	p := &program{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, lookup: lookupIn([]string{"DHT_ADDR=" + n.address})}
	ended := make(chan int, 1)
	go func() { ended <- p.run(ctx, words("bench --time 1h --keys 100 --progress")) }()
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(stderr.String(), "requests/s, p99") {
		if time.Now().After(deadline) {
			t.Fatalf("no line of progress in a minute: %s", stderr.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
	interrupt()
	if status := <-ended; status != exitOK || rows(stdout.String()) != "GET PUT all" {
		t.Errorf("got exit status %d, %s\n%s, want the figures so far", status, stdout.String(), stderr.String())
	}
	n.at(t, "", "keys").expect(t, "dht keys", exitOK, "")
}

func TestBenchKeysThatWereLeftCanBeRemoved(t *testing.T) {
	n := serve(t, nil, "--name", "peer1")
	n.at(t, "", "put", "bench-0123456789ab-000000000001", "v").expect(t, "put", exitOK, "")
	n.at(t, "", "put", "bench-0123456789ac-000000000001", "v").expect(t, "put", exitOK, "")
	n.at(t, "", words("bench --remove bench-0123456789ab --keys 2")...).expect(t, "dht bench --remove", exitOK, "")
	n.at(t, "", "keys").expect(t, "dht keys", exitOK, "bench-0123456789ac-000000000001\n")
}

func TestBenchTellsErrorsByStatus(t *testing.T) {
	var reads atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/dht/ring":
			w.Write([]byte(`{"peers":[{"name":"peer1"}],"settings":{"replicas":1}}`))
		case r.Method == http.MethodGet && reads.Add(1)%2 == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	n := served{address: server.Listener.Addr().String()}
	got := n.at(t, "", words("bench --time 1s --connections 1 --keys 1 --reads 100")...)
	if got.status != exitOK || rows(got.stdout) != "GET" || !regexp.MustCompile(`errors +[1-9]\d*   503 Service Unavailable: [1-9]`).MatchString(got.stdout) {
		t.Errorf("got exit status %d, %s, want errors of status 503", got.status, got.stdout)
	}
}

func TestBenchThatCannotPutItsKeysSaysWhy(t *testing.T) {
	n := serve(t, []string{"DHT_MAX_VALUE=1KiB"}, "--name", "peer1")
	got := n.at(t, "", words("bench --time 1s --keys 50 --value 2KiB")...)
	if got.status != exitError || got.stdout != "" || !strings.Contains(got.stderr, "413") {
		t.Errorf("got exit status %d, %q, %q, want an error with status 413", got.status, got.stdout, got.stderr)
	}
	n = &served{address: "localhost:1"}
	if got := n.at(t, "", "bench"); got.status != exitError || got.stdout != "" {
		t.Errorf("nobody there: got exit status %d, %q", got.status, got.stdout)
	}
}
