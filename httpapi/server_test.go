package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pipelinedht/httpapi"
)

// fixture is a Server on a real listener, over fakes.
type fixture struct {
	table   *fakeTable
	cluster *fakeCluster
	server  *httpapi.Server
	address string
}

func start(t *testing.T, limits httpapi.Limits) *fixture {
	t.Helper()
	f := &fixture{table: newFakeTable(), cluster: newFakeCluster()}
	f.server = httpapi.New(httpapi.Config{Name: "peer3", Table: f.table, Cluster: f.cluster, Limits: limits})
	f.serve(t)
	return f
}

// serve runs the server until the test ends.
func (f *fixture) serve(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(ln) }()
	t.Cleanup(func() {
		if err := f.server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if held := f.table.held.Load(); held != 0 {
			t.Errorf("%d results of the table were never closed", held)
		}
	})
}

// answer is a whole response.
type answer struct {
	status int
	header http.Header
	body   string
}

// raw sends the bytes of one request as they are and reads the answer. With
// hangUp the client sends nothing more.
func (f *fixture) raw(t *testing.T, request string, hangUp bool) answer {
	t.Helper()
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatalf("send %.100q: %v", request, err)
	}
	if hangUp {
		conn.(*net.TCPConn).CloseWrite()
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("answer to %.100q: %v", request, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("answer to %.100q: %v", request, err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// ask sends a request with headers given as "Name: value".
func (f *fixture) ask(t *testing.T, method, target, body string, headers ...string) answer {
	t.Helper()
	var request strings.Builder
	fmt.Fprintf(&request, "%s %s HTTP/1.1\r\nHost: node\r\n", method, target)
	if body != "" {
		fmt.Fprintf(&request, "Content-Length: %d\r\n", len(body))
	}
	for _, header := range headers {
		request.WriteString(header + "\r\n")
	}
	return f.raw(t, request.String()+"Connection: close\r\n\r\n"+body, false)
}

func (a answer) expect(t *testing.T, status int, body string) {
	t.Helper()
	if a.status != status || a.body != body {
		t.Errorf("got %d %q, want %d %q", a.status, a.body, status, body)
	}
}

// expectLine checks an error: the status, and one plain line with the words.
func (a answer) expectLine(t *testing.T, status int, words ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status: got %d %q, want %d", a.status, a.body, status)
	}
	line, ok := strings.CutSuffix(a.body, "\n")
	if !ok || strings.ContainsAny(line, "\r\n") {
		t.Errorf("body: got %q, want one line", a.body)
	}
	if got := a.header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("Content-Type: got %q, want plain text", got)
	}
	for _, word := range words {
		if !strings.Contains(line, word) {
			t.Errorf("body: got %q, want %q in it", line, word)
		}
	}
}

func (a answer) expectHeader(t *testing.T, name, want string) {
	t.Helper()
	if got := a.header.Get(name); got != want {
		t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

func TestCloseEndsTheRequestsUnderWayAndWaitsForThem(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.table.block, f.table.entered = make(chan struct{}), make(chan struct{})
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		resp, err := http.Get("http://" + f.address + "/db/k")
		if err == nil {
			resp.Body.Close()
		}
	}()
	<-f.table.entered
	if err := f.server.Close(); err != nil {
		t.Fatal(err)
	}
	<-answered

	late := httptest.NewRecorder()
	f.server.ServeHTTP(late, httptest.NewRequest("GET", "/db/k", nil))
	if late.Code != http.StatusServiceUnavailable {
		t.Errorf("a request after Close: got %d, want 503", late.Code)
	}
}

func TestShutdownLetsTheRequestsUnderWayFinish(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.table.set("k", "v", 5)
	f.table.block, f.table.entered = make(chan struct{}), make(chan struct{})
	idle := f.dial(t)
	idle.send("/healthz")
	idle.receive()
	answered := make(chan answer, 1)
	go func() { answered <- f.ask(t, "GET", "/db/k", "") }()
	<-f.table.entered
	stopped := make(chan error, 1)
	go func() { stopped <- f.server.Shutdown(t.Context()) }()
	if !idle.cut() {
		t.Error("an idle connection stays open")
	}
	close(f.table.block)
	a := <-answered
	a.expect(t, 200, "v")
	if err := <-stopped; err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

func TestPeerConnectionsGoToTheTransport(t *testing.T) {
	server := httpapi.New(httpapi.Config{
		Name: "peer3", Table: newFakeTable(), Cluster: newFakeCluster(),
		Peer: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the transport") }),
	})
	w := httptest.NewRecorder()
	server.ServeHTTP(w, httptest.NewRequest("GET", httpapi.PeerPath, nil))
	if got := w.Body.String(); got != "the transport" {
		t.Errorf("GET %s: got %q, want the transport's answer", httpapi.PeerPath, got)
	}
}

func TestADrainingServerAnswersAndEndsItsConnections(t *testing.T) {
	f := start(t, httpapi.Limits{})
	get := func() *http.Response {
		t.Helper()
		r, err := http.Get("http://" + f.address + "/db/k")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusOK {
			t.Fatalf("status: got %d, want 200", r.StatusCode)
		}
		return r
	}
	if get().Close {
		t.Error("before Drain: the connection ends with the answer")
	}
	f.server.Drain()
	if !get().Close {
		t.Error("after Drain: the connection outlives the answer")
	}
}

// Who takes a connection over can have the socket: Raft's streams have wishes for its
// keep-alives.
func TestConnectionsThatAreTakenOverShowTheirSocket(t *testing.T) {
	found := make(chan net.Conn, 1)
	f := &fixture{table: newFakeTable(), cluster: newFakeCluster()}
	f.server = httpapi.New(httpapi.Config{
		Name: "peer3", Table: f.table, Cluster: f.cluster,
		Peer: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			nc, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				found <- nil
				return
			}
			defer nc.Close()
			if wrapped, ok := nc.(interface{ NetConn() net.Conn }); ok {
				nc = wrapped.NetConn()
			}
			found <- nc
		}),
	})
	f.serve(t)
	client, err := net.Dial("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := io.WriteString(client, "GET "+httpapi.PeerPath+" HTTP/1.1\r\nHost: node\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if nc, ok := (<-found).(*net.TCPConn); !ok {
		t.Errorf("got %T, want the TCP connection", nc)
	}
}
