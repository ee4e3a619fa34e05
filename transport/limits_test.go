package transport_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"pipelinedht/partition"
	"pipelinedht/transport"
)

func TestTooManyVisitorsAreTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		goOn := make(chan struct{})
		one := startPiped(t, network, b, 1, 1, &handler{visit: func(context.Context, transport.Identity, []byte) []byte {
			<-goOn
			return []byte("welcome")
		}})
		two := startPiped(t, network, b, 2, 1, &handler{})
		results := make(chan error, 100)
		visit := func() {
			_, _, err := two.Visit(t.Context(), one.id.Address, nil)
			results <- err
		}
		for range 64 {
			go visit()
		}
		synctest.Wait()
		visit()
		var refusal *transport.Refusal
		if err := <-results; !errors.As(err, &refusal) || refusal.Status != http.StatusServiceUnavailable {
			t.Errorf("visit 65: error %v, want a refusal with 503", err)
		}
		close(goOn)
		for range 64 {
			if err := <-results; err != nil {
				t.Errorf("a visit within the limit: %v", err)
			}
		}
		synctest.Wait()
		visit()
		if err := <-results; err != nil {
			t.Errorf("a visit after the others: %v", err)
		}
	})
}

func TestTargetTellsWhomAHandshakeIsFor(t *testing.T) {
	request := func(target, kind string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, transport.Path, nil)
		for _, h := range [][2]string{{"DHT-Kind", kind}, {"DHT-Cluster", "00000000000000c1"}, {"DHT-Node", "0000000000000002"},
			{"DHT-Incarnation", "1"}, {"DHT-Address", "a:1"}, {"DHT-Target", target}, {"DHT-Serial", "1"},
			{"DHT-Nonce", "0123456789abcdef0123456789abcdef"}} {
			r.Header.Set(h[0], h[1])
		}
		return r
	}
	cases := []struct {
		target, kind string
		node         partition.NodeID
		visit        bool
	}{
		{"00000000000000ab", "raft", 0xab, false},
		{"0000000000000000", "visit", 0, true},
		{"0000000000000000", "raft", 0, false},
		{"nonsense", "raft", 0, false},
	}
	for _, c := range cases {
		node, visit := transport.Target(request(c.target, c.kind))
		if node != c.node || visit != c.visit {
			t.Errorf("target %s kind %s: %v, %v; want %v, %v", c.target, c.kind, node, visit, c.node, c.visit)
		}
	}
}

func TestAServerThatCannotHijackSaysSo(t *testing.T) {
	one := startNode(t, newBook(), 1, &handler{}, nil)
	r := httptest.NewRequest(http.MethodGet, transport.Path, nil)
	two := startNode(t, newBook(), 2, &handler{}, func(c *transport.Config) {
		c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() {
				defer there.Close()
				req, err := http.ReadRequest(bufio.NewReader(there))
				if err != nil {
					return
				}
				r.Header = req.Header
				w := httptest.NewRecorder() // has no Hijack, like a stream of HTTP/2
				one.ServeHTTP(w, r)
				w.Result().Write(there)
			}()
			return here, nil
		}
	})
	two.addresses.set(one.id)
	_, err := two.Call(testContext(t), 1, transport.Small, nil)
	var refusal *transport.Refusal
	if !errors.As(err, &refusal) || refusal.Status != http.StatusHTTPVersionNotSupported {
		t.Errorf("error %v, want a refusal with 505", err)
	}
}

func TestOverTLS(t *testing.T) {
	h, ch := collect(1)
	b := newBook()
	server := httptest.NewUnstartedServer(nil)
	defer server.Close()
	one := startNode(t, b, 1, h, func(c *transport.Config) { c.Self.Address = server.Listener.Addr().String() })
	server.Config.Handler = one.Transport
	server.StartTLS()
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	two := startNode(t, b, 2, &handler{}, func(c *transport.Config) {
		d := tls.Dialer{Config: &tls.Config{RootCAs: roots, NextProtos: []string{"http/1.1"}}}
		c.Dial = func(ctx context.Context, address string) (net.Conn, error) { return d.DialContext(ctx, "tcp", address) }
	})
	body := make([]byte, 3<<20)
	got, err := two.Call(testContext(t), 1, transport.Bulk, body)
	if err != nil || len(got) != len(body) {
		t.Errorf("call: %d bytes, error %v", len(got), err)
	}
	sendUntilTaken(t, two, 1, transport.Small, []byte("x"))
	if got := next(t, ch); string(got.body) != "x" {
		t.Errorf("message %q, want x", got.body)
	}
}
