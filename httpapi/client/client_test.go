package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"pipelinedht/httpapi/client"
)

// node starts a server that answers every request with h, and returns a client
// of it.
func node(t *testing.T, h http.HandlerFunc) *client.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c := client.New(strings.TrimPrefix(server.URL, "http://"))
	t.Cleanup(c.Close)
	return c
}

// heard is what a server was asked.
type heard struct {
	method, uri, body string
	header            http.Header
}

// record returns a handler that remembers the request and calls answer.
func record(into *heard, answer func(h http.Header, w io.Writer)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*into = heard{r.Method, r.RequestURI, string(body), r.Header}
		answer(w.Header(), w)
	}
}

func TestKeysAreEncodedWhole(t *testing.T) {
	var got heard
	c := node(t, record(&got, func(http.Header, io.Writer) {}))
	for key, want := range map[string]string{
		"k": "/db/k", "a/b": "/db/a%2Fb", "..": "/db/..", "?#": "/db/%3F%23", "100%": "/db/100%25", "a+b c": "/db/a+b%20c",
		"\x00\xff": "/db/%00%FF", "ü": "/db/%C3%BC", "//": "/db/%2F%2F",
	} {
		if _, err := c.Get(t.Context(), key); err != nil || got.uri != want {
			t.Errorf("key %q: asked for %q, %v, want %q", key, got.uri, err, want)
		}
	}
}

func TestGet(t *testing.T) {
	var got heard
	c := node(t, record(&got, func(h http.Header, w io.Writer) {
		h.Set("ETag", `"1234"`)
		io.WriteString(w, "the value")
	}))
	value, err := c.Get(t.Context(), "k")
	if err != nil || !value.Found || string(value.Bytes) != "the value" || value.Version != 1234 || got.method != "GET" {
		t.Errorf("got %+v, %v by a %s", value, err, got.method)
	}
	c = node(t, record(&got, func(h http.Header, _ io.Writer) { h.Set("DHT-Found", "false") }))
	if value, err := c.Get(t.Context(), "k"); err != nil || value.Found || value.Bytes != nil || value.Version != 0 {
		t.Errorf("a missing key: got %+v, %v", value, err)
	}
}

func TestWritesAreSentWithTheirCondition(t *testing.T) {
	for _, c := range []struct {
		name          string
		condition     client.Condition
		match, noneOf string
	}{
		{"no condition", client.Condition{}, "", ""},
		{"nothing there", client.Condition{IfAbsent: true}, "", "*"},
		{"something there", client.Condition{IfPresent: true}, "*", ""},
		{"a version there", client.Condition{IfVersion: 17}, `"17"`, ""},
		{"a version there, which is something", client.Condition{IfPresent: true, IfVersion: 17}, `"17"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got heard
			n := node(t, record(&got, func(h http.Header, _ io.Writer) { h.Set("ETag", `"18"`) }))
			version, err := n.Put(t.Context(), "k", []byte("v"), c.condition)
			if err != nil || version != 18 || got.method != "PUT" || got.body != "v" {
				t.Errorf("put: got version %d, %v by %+v", version, err, got)
			}
			if _, err := n.Delete(t.Context(), "k", c.condition); err != nil || got.method != "DELETE" {
				t.Errorf("delete: got %v by %+v", err, got)
			}
			if got.header.Get("If-Match") != c.match || got.header.Get("If-None-Match") != c.noneOf {
				t.Errorf("got If-Match %q and If-None-Match %q, want %q and %q",
					got.header.Get("If-Match"), got.header.Get("If-None-Match"), c.match, c.noneOf)
			}
		})
	}
}

func TestDeleteTellsWhetherSomethingWasThere(t *testing.T) {
	for header, want := range map[string]bool{"": true, "false": false} {
		var got heard
		c := node(t, record(&got, func(h http.Header, _ io.Writer) { h.Set("DHT-Found", header) }))
		if existed, err := c.Delete(t.Context(), "k", client.Condition{}); err != nil || existed != want {
			t.Errorf("DHT-Found %q: got %v, %v, want %v", header, existed, err, want)
		}
	}
}

func TestErrorsTellNotDoneFromUnknown(t *testing.T) {
	answer := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for _, h := range header {
				w.Header().Set("DHT-Outcome", h)
			}
			w.WriteHeader(status)
			io.WriteString(w, "what is wrong and what to do\n")
		}
	}
	hangUp := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for _, c := range []struct {
		name        string
		handler     http.HandlerFunc
		write, read error
		words       string
	}{
		{"an answer of 400", answer(400), client.ErrNotDone, client.ErrNotDone, "what is wrong and what to do (status 400)"},
		{"an answer of 412", answer(412), client.ErrCondition, client.ErrCondition, "status 412"},
		{"an answer of 503", answer(503), client.ErrNotDone, client.ErrNotDone, "status 503"},
		{"an answer of 504", answer(504, "unknown"), client.ErrUnknown, client.ErrNotDone, "status 504"},
		{"an answer of 500", answer(500), client.ErrUnknown, client.ErrNotDone, "status 500"},
		{"a redirect, which the contract does not have", answer(307), client.ErrNotDone, client.ErrNotDone, "status 307"},
		{"a connection that breaks", hangUp, client.ErrUnknown, client.ErrNotDone, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := node(t, c.handler)
			_, putErr := n.Put(t.Context(), "k", []byte("v"), client.Condition{})
			_, deleteErr := n.Delete(t.Context(), "k", client.Condition{})
			for what, err := range map[string]error{"put": putErr, "delete": deleteErr, "leave": n.Leave(t.Context())} {
				expectKind(t, what, err, c.write)
				if !strings.Contains(err.Error(), c.words) {
					t.Errorf("%s: got %q, want %q in it", what, err, c.words)
				}
			}
			_, err := n.Get(t.Context(), "k")
			expectKind(t, "get", err, c.read)
			_, err = n.Ring(t.Context())
			expectKind(t, "ring", err, c.read)
		})
	}
}

// expectKind fails the test unless err is of that kind, and not of the opposite
// one.
func expectKind(t *testing.T, what string, err, want error) {
	t.Helper()
	var detail *client.Error
	if !errors.As(err, &detail) || !errors.Is(err, want) {
		t.Fatalf("%s: got %v, want a *client.Error that is %q", what, err, want)
	}
	if errors.Is(err, client.ErrUnknown) == errors.Is(err, client.ErrNotDone) {
		t.Errorf("%s: %v is both unknown and not done, or neither", what, err)
	}
}

func TestNobodyThereMeansNotDone(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	_, err = client.New(ln.Addr().String()).Put(t.Context(), "k", nil, client.Condition{})
	expectKind(t, "put", err, client.ErrNotDone)
}

func TestGivingUpMeansUnknownForAWrite(t *testing.T) {
	arrived := make(chan struct{})
	c := node(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := c.Put(ctx, "k", []byte("v"), client.Condition{})
	expectKind(t, "put", err, client.ErrUnknown)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled in it", err)
	}
}

func TestLargeValuesAreNotSentInVain(t *testing.T) {
	var sent int64
	c := node(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") != "100-continue" {
			sent, _ = io.Copy(io.Discard, r.Body)
		}
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	_, err := c.Put(t.Context(), "k", make([]byte, 2<<20), client.Condition{})
	expectKind(t, "put", err, client.ErrNotDone)
	if sent != 0 {
		t.Errorf("%d bytes were sent to a node that refused them", sent)
	}
}

func TestKeysAreReadFromThePlainListing(t *testing.T) {
	var got heard
	c := node(t, record(&got, func(_ http.Header, w io.Writer) { io.WriteString(w, "a\r\n50%25\r\nx%0D%0Ay\r\n") }))
	var keys []string
	for key, err := range c.Keys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	if want := []string{"a", "50%", "x\r\ny"}; !slices.Equal(keys, want) {
		t.Errorf("got %q, want %q", keys, want)
	}
	for range c.Keys(t.Context()) {
		break // whoever has enough may stop
	}
}

func TestListingThatIsCutOffEndsWithAnError(t *testing.T) {
	for name, text := range map[string]string{"between lines": "a\r\nb\r\n", "within a line": "a\r\nb"} {
		c := node(t, func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, text)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})
		var last error
		for _, err := range c.Keys(t.Context()) {
			last = err
		}
		if last == nil {
			t.Errorf("%s: the listing ended as if it were whole", name)
		}
	}
}

func TestMembership(t *testing.T) {
	var got heard
	c := node(t, record(&got, func(h http.Header, w io.Writer) {
		h.Set("DHT-Imported", "12")
		h.Set("DHT-Import-Lost", "3")
		h.Set("DHT-Partitions-Waiting", "5")
	}))
	report, err := c.Join(t.Context(), []string{"peer1:a:1", "peer2:b:2"})
	if want := (client.JoinReport{Imported: 12, Lost: 3, Waiting: 5}); err != nil || report != want || got.body != "peer1:a:1\r\npeer2:b:2" {
		t.Errorf("join: got %+v, %v with the body %q, want %+v", report, err, got.body, want)
	}
	if err := c.Leave(t.Context()); err != nil || got.method+got.uri != "POST/dht/leave" {
		t.Errorf("leave: got %v by %s %s", err, got.method, got.uri)
	}
	c = node(t, record(&got, func(h http.Header, w io.Writer) { h.Set("DHT-Already-Member", "true") }))
	if report, err := c.Join(t.Context(), []string{"peer1:a:1"}); err != nil || !report.AlreadyMember {
		t.Errorf("join of a member: got %+v, %v", report, err)
	}
	c = node(t, record(&got, func(h http.Header, w io.Writer) {
		h.Set("DHT-Partitions-Lost", "3")
		h.Set("DHT-Peer-Gone", "true")
	}))
	for loseData, uri := range map[bool]string{false: "/dht/forget", true: "/dht/forget?lose-data=true"} {
		report, err := c.Forget(t.Context(), "peer2", loseData)
		if want := (client.ForgetReport{Lost: 3, Gone: true}); err != nil || report != want || got.body != "peer2" || got.uri != uri {
			t.Errorf("forget: got %+v, %v by %s with the body %q, want %+v by %s", report, err, got.uri, got.body, want, uri)
		}
	}
	c = node(t, record(&got, func(_ http.Header, w io.Writer) { io.WriteString(w, `["peer2","peer1"]`) }))
	if names, err := c.Peers(t.Context()); err != nil || !slices.Equal(names, []string{"peer2", "peer1"}) {
		t.Errorf("peers: got %q, %v", names, err)
	}
}

func TestRingPlaceAndStatus(t *testing.T) {
	var got heard
	c := node(t, record(&got, func(_ http.Header, w io.Writer) {
		fmt.Fprint(w, `{"cluster":"c1","version":7,"settings":{"partitions":2,"replicas":3},"peers":[{"id":"1","name":"peer1","state":"active"}],
			"table":[{"primary":"1","in_sync":["1"],"target":["1"]},{"primary":"1","in_sync":["1"],"target":["1","2"]}]}`)
	}))
	ring, err := c.Ring(t.Context())
	if err != nil || ring.Version != 7 || ring.Peers[0].Name != "peer1" || !ring.Table[0].Settled() || ring.Table[1].Settled() {
		t.Errorf("ring: got %+v, %v", ring, err)
	}
	c = node(t, record(&got, func(_ http.Header, w io.Writer) { io.WriteString(w, `{"partition":5,"primary":{"name":"peer1"}}`) }))
	place, err := c.Place(t.Context(), "a/b+c")
	if err != nil || place.Partition != 5 || place.Primary.Name != "peer1" || got.uri != "/dht/ring?key=a%2Fb%2Bc" {
		t.Errorf("place: got %+v, %v by %s", place, err, got.uri)
	}
	status, err := c.Status(t.Context())
	if err != nil || !json.Valid(status) || got.uri != "/dht/status" {
		t.Errorf("status: got %s, %v by %s", status, err, got.uri)
	}
	c = node(t, record(&got, func(_ http.Header, w io.Writer) { io.WriteString(w, "<html>") }))
	if _, err := c.Status(t.Context()); !errors.Is(err, client.ErrNotDone) {
		t.Errorf("status that is no JSON: got %v, want an error", err)
	}
}
