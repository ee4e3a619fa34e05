package httpapi_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/httpapi"
)

// overPipe starts a Server and returns a connection to it.
func overPipe(t *testing.T, table *fakeTable, limits httpapi.Limits) net.Conn {
	t.Helper()
	server := httpapi.New(httpapi.Config{Name: "peer3", Table: table, Cluster: newFakeCluster(), Limits: limits})
	ln := newPipes()
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	client := ln.dial()
	t.Cleanup(func() {
		client.Close()
		if err := server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return client
}

// Each deadline counts from when it was set, whatever others there were before on
// the same connection, and none of them ends what it is not for.
func TestDeadlinesOfAConnectionInUse(t *testing.T) {
	const header, body, idle, answer = 10 * time.Second, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute
	const size = 1 << 20 // of the large value
	limits := httpapi.Limits{HeaderTimeout: header, BodyTimeout: body, IdleTimeout: idle, AnswerTimeout: answer}
	for _, c := range []struct {
		name  string
		sends string
		pause time.Duration // before it reads
		cut   time.Duration // when the connection ends, after what it sends
		least int           // bytes that come
		most  int
	}{
		{"a client that sends nothing", "", 0, idle, 0, 0},
		{"half a header", "GET /db/k HTTP/1.1\r\nX: ", 0, header, 0, 0},
		{"half a body", putHead("new", 10) + "half", 0, body, 0, 1000},
		{"an answer that is not taken", "GET /db/large HTTP/1.1\r\nHost: x\r\n\r\n", answer + 1, answer + 1, 0, size - 1},
		{"an answer that is taken late", "GET /db/large HTTP/1.1\r\nHost: x\r\n\r\n", answer - 1, answer - 1 + idle, size, size + 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := newFakeTable()
				table.set("k", "v", 5)
				table.set("large", strings.Repeat("v", size), 6)
				conn := overPipe(t, table, limits)
				in := bufio.NewReader(conn)
				for _, pause := range []time.Duration{0, time.Second, header + time.Second, idle - time.Second, time.Second} {
					time.Sleep(pause)
					io.WriteString(conn, "GET /db/k HTTP/1.1\r\nHost: x\r\n\r\n")
					resp, err := http.ReadResponse(in, nil)
					if err != nil {
						t.Fatalf("a request after %v: %v", pause, err)
					}
					io.Copy(io.Discard, resp.Body)
				}
				begun := time.Now()
				io.WriteString(conn, c.sends)
				time.Sleep(c.pause)
				text, _ := io.ReadAll(in) // ends however the connection is cut
				if took := time.Since(begun); took != c.cut {
					t.Errorf("cut after %v, want %v", took, c.cut)
				}
				if len(text) < c.least || len(text) > c.most {
					t.Errorf("got %d bytes, want %d to %d", len(text), c.least, c.most)
				}
				if c.cut == body && !strings.HasPrefix(string(text), "HTTP/1.1 408 ") {
					t.Errorf("got %q, want 408", text)
				}
			})
		})
	}
}

// What takes longer than any deadline of the client's is not cut off: the client
// waits for the server there.
func TestARequestMayTakeLongerThanItsHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		table.set("k", "v", 5)
		table.block = make(chan struct{})
		conn := overPipe(t, table, httpapi.Limits{HeaderTimeout: time.Second, BodyTimeout: 2 * time.Second})
		io.WriteString(conn, "GET /db/k HTTP/1.1\r\nHost: x\r\n\r\n")
		time.Sleep(time.Minute)
		close(table.block)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("got %v, %v, want 200", resp, err)
		}
	})
}
