package httpapi_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"pipelinedht/httpapi"
)

// dialed is one connection that stays.
type dialed struct {
	net.Conn
	t      *testing.T
	reader *bufio.Reader
}

func (f *fixture) dial(t *testing.T) *dialed {
	t.Helper()
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &dialed{conn, t, bufio.NewReader(conn)}
}

func (d *dialed) send(path string) {
	d.t.Helper()
	if _, err := io.WriteString(d, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		d.t.Fatal(err)
	}
}

func (d *dialed) receive() int {
	d.t.Helper()
	resp, err := http.ReadResponse(d.reader, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// cut reports whether the server has closed the connection, and waits for it.
func (d *dialed) cut() bool {
	_, err := d.reader.ReadByte()
	return errors.Is(err, io.EOF) || err != nil && !errors.Is(err, net.ErrClosed) && !isTimeout(err)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestOneConnectionTooManyClosesTheIdlest(t *testing.T) {
	f := start(t, httpapi.Limits{Connections: 3})
	var conns []*dialed
	for range 3 {
		d := f.dial(t)
		d.send("/healthz")
		d.receive()
		conns = append(conns, d)
	}
	// The first one is used again: now the second is the idlest.
	conns[0].send("/healthz")
	conns[0].receive()

	more := f.dial(t)
	more.send("/healthz")
	if got := more.receive(); got != 200 {
		t.Errorf("the connection beyond the limit: got %d, want 200", got)
	}
	if !conns[1].cut() {
		t.Error("the idlest connection is still open")
	}
	for i, d := range []*dialed{conns[0], conns[2], more} {
		d.send("/healthz")
		if got := d.receive(); got != 200 {
			t.Errorf("connection %d: got %d, want 200", i, got)
		}
	}
}

func TestBusyConnectionsAreNeverClosedForOthers(t *testing.T) {
	f := start(t, httpapi.Limits{Connections: 2})
	f.table.set("k", "v", 5)
	f.table.block, f.table.entered = make(chan struct{}), make(chan struct{})
	var busy []*dialed
	for range 2 {
		d := f.dial(t)
		d.send("/db/k")
		<-f.table.entered
		busy = append(busy, d)
	}
	if !f.dial(t).cut() {
		t.Error("a connection beyond the limit stays open though all others are busy")
	}
	close(f.table.block)
	for i, d := range busy {
		if got := d.receive(); got != 200 {
			t.Errorf("busy connection %d: got %d, want 200", i, got)
		}
	}
}

func TestRequestsBeyondTheBoundAreRefusedAfterAWhile(t *testing.T) {
	f := start(t, httpapi.Limits{Requests: 1, RoomWait: 10 * time.Millisecond})
	f.table.block, f.table.entered = make(chan struct{}), make(chan struct{})
	first := f.dial(t)
	first.send("/db/k")
	<-f.table.entered
	f.ask(t, "PUT", "/db/k", "v").expectLine(t, 503, "as many requests under way as it may; try again")
	f.ask(t, "GET", "/healthz", "").expect(t, 200, "")
	close(f.table.block)
	if got := first.receive(); got != 200 {
		t.Errorf("the request within the bound: got %d, want 200", got)
	}
	if _, ok := f.table.get("k"); ok {
		t.Error("the refused PUT took effect")
	}
}

func TestSlowHeadersAreCutOff(t *testing.T) {
	f := start(t, httpapi.Limits{HeaderTimeout: 50 * time.Millisecond})
	d := f.dial(t)
	io.WriteString(d, "GET /db/k HTTP/1.1\r\nX:")
	if resp, err := http.ReadResponse(d.reader, nil); err == nil && resp.StatusCode < 400 {
		t.Errorf("got %d, want an error or a closed connection", resp.StatusCode)
	}
	if !d.cut() {
		t.Error("the connection stays open")
	}
}
