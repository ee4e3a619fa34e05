package transport_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
	"pipelinedht/transport"
)

func TestHandshakesAreRefusedWithAStatusAndAReason(t *testing.T) {
	secret := func(s string) func(*transport.Config) { return func(c *transport.Config) { c.Secret = s } }
	cases := []struct {
		name           string
		dialler, other func(*transport.Config)
		target         partition.NodeID
		status         int
		reason         string
	}{
		{"another cluster", func(c *transport.Config) { c.Self.Cluster++ }, nil, 1, http.StatusConflict, "belongs to cluster"},
		{"another cluster and the right secret", func(c *transport.Config) { c.Self.Cluster++; c.Secret = "x" }, secret("x"), 1,
			http.StatusConflict, "belongs to cluster"},
		{"not the node asked for", nil, nil, 7, http.StatusMisdirectedRequest, "this is node 0000000000000001, not 0000000000000007"},
		{"wrong secret", secret("wrong"), secret("right"), 1, http.StatusUnauthorized, "wrong cluster secret"},
		{"wrong secret and another cluster", func(c *transport.Config) { c.Self.Cluster++; c.Secret = "wrong" }, secret("right"), 1,
			http.StatusUnauthorized, "wrong cluster secret"},
		{"no secret", nil, secret("right"), 1, http.StatusUnauthorized, "wants the cluster secret"},
		{"a secret that the peer does not have", secret("right"), nil, 1, http.StatusUnauthorized, "does not prove"},
		{"its own id", func(c *transport.Config) { c.Self.Node = 1 }, nil, 1, http.StatusConflict, "connects to itself"},
		{"no incarnation's address", func(c *transport.Config) { c.Self.Address = "no port" }, nil, 1, http.StatusBadRequest, "malformed handshake"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, ch := collect(1)
			b := newBook()
			answering := startNode(t, b, 1, h, c.other)
			dialling := startNode(t, newBook(), 2, &handler{}, func(cfg *transport.Config) {
				cfg.Resolve = func(partition.NodeID) (string, partition.Incarnation, bool) { return answering.id.Address, 1, true }
				if c.dialler != nil {
					c.dialler(cfg)
				}
			})
			_, err := dialling.Call(testContext(t), c.target, transport.Small, []byte("x"))
			var refusal *transport.Refusal
			if !errors.Is(err, transport.ErrNotSent) || !errors.As(err, &refusal) {
				t.Fatalf("error %v, want ErrNotSent and a Refusal", err)
			}
			if refusal.Status != c.status || !strings.Contains(refusal.Reason, c.reason) {
				t.Errorf("status %d, reason %q; want %d and %q", refusal.Status, refusal.Reason, c.status, c.reason)
			}
			if dialling.Send(c.target, transport.Small, []byte("x")) {
				t.Error("a message was taken after the refusal")
			}
			if len(ch) > 0 {
				t.Error("a message came through")
			}
		})
	}
}

// upgrade is the head of a good handshake of a small lane with node 1, without a
// secret.
func upgrade(edits ...string) string {
	head := "GET " + transport.Path + " HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: pipelinedht/1\r\n" +
		"DHT-Kind: small\r\nDHT-Cluster: 00000000000000c1\r\nDHT-Node: 0000000000000002\r\nDHT-Incarnation: 1\r\n" +
		"DHT-Address: 127.0.0.1:1\r\nDHT-Target: 0000000000000001\r\nDHT-Serial: 1\r\nDHT-Nonce: 0123456789abcdef0123456789abcdef\r\n\r\n"
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(head, edits[i]) {
			panic("no " + edits[i])
		}
		head = strings.Replace(head, edits[i], edits[i+1], 1)
	}
	return head
}

// rawDial writes to a node and reads the head of its answer.
func rawDial(t testing.TB, address, text string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, in, resp
}

func TestMalformedHandshakes(t *testing.T) {
	answering := startNode(t, newBook(), 1, &handler{}, nil)
	cases := []struct {
		name, head string
		status     int
		reason     string
	}{
		{"a good one", upgrade(), 101, ""},
		{"a browser", "GET " + transport.Path + " HTTP/1.1\r\nHost: x\r\n\r\n", 426, "for other nodes"},
		{"another method", upgrade("GET", "POST"), 405, "for other nodes"},
		{"a websocket", upgrade("pipelinedht/1", "websocket"), 426, "for other nodes"},
		{"no Connection: Upgrade", upgrade("keep-alive, Upgrade", "keep-alive"), 426, "for other nodes"},
		{"a later protocol version", upgrade("pipelinedht/1", "pipelinedht/2"), 426, "run the same release"},
		{"no protocol version", upgrade("pipelinedht/1", "pipelinedht"), 426, "run the same release"},
		{"an unknown kind", upgrade("small", "smell"), 400, "no such kind"},
		{"no kind", upgrade("DHT-Kind: small\r\n", ""), 400, "no such kind"},
		{"a lane by number", upgrade("small", "lane 3"), 400, "no such kind"},
		{"a short cluster id", upgrade("00000000000000c1", "c1"), 400, "cluster id"},
		{"node zero", upgrade("DHT-Node: 0000000000000002", "DHT-Node: 0000000000000000"), 400, "node id is zero"},
		{"a negative incarnation", upgrade("DHT-Incarnation: 1", "DHT-Incarnation: -1"), 400, "incarnation"},
		{"an address without a port", upgrade("127.0.0.1:1", "127.0.0.1"), 400, "address"},
		{"a very long address", upgrade("127.0.0.1:1", strings.Repeat("a", 300)+":1"), 400, "address of 302 bytes"},
		{"a blank in the address", upgrade("127.0.0.1:1", "a b:1"), 400, "blank"},
		{"a lane to any node", upgrade("DHT-Target: 0000000000000001", "DHT-Target: 0000000000000000"), 400, "must name the node"},
		{"no serial", upgrade("DHT-Serial: 1", "DHT-Serial: one"), 400, "serial"},
		{"a short nonce", upgrade("0123456789abcdef0123456789abcdef", "0123"), 400, "nonce"},
		{"a nonce of other letters", upgrade("0123456789abcdef", "0123456789abcdeX"), 400, "malformed"},
		{"a body", upgrade("Host: x", "Host: x\r\nContent-Length: 3") + "abc", 400, "no body"},
		{"a chunked body", upgrade("Host: x", "Host: x\r\nTransfer-Encoding: chunked") + "0\r\n\r\n", 400, "no body"},
		{"frames ahead of the answer", upgrade() + strings.Repeat("x", 17), 400, "ahead of"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, _, resp := rawDial(t, answering.id.Address, c.head)
			text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
			if resp.StatusCode != c.status || !strings.Contains(string(text), c.reason) {
				t.Errorf("%s %q, want %d and %q", resp.Status, text, c.status, c.reason)
			}
			if bytes.Count(text, []byte("\n")) > 1 {
				t.Errorf("the reason is not one line: %q", text)
			}
		})
	}
}

// TestFaultyPeersAreCutOff shakes hands and then breaks the rules.
func TestFaultyPeersAreCutOff(t *testing.T) {
	cases := map[string]string{
		"garbage":                     strings.Repeat("garbage!", 100),
		"an HTTP request":             upgrade(),
		"a body longer than the lane": rawFrame(1, 0, strings.Repeat("x", 1<<20+1))[:17],
		"a flipped bit":               rawFrame(1, 0, "x")[:17] + "y",
		"a reply from the wrong side": rawFrame(3, 1, ""),
		"an unknown kind":             rawFrame(8, 0, ""),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			h, ch := collect(1)
			answering := startNode(t, newBook(), 1, h, nil)
			c, in, resp := rawDial(t, answering.id.Address, upgrade())
			if resp.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("status %s, want 101", resp.Status)
			}
			if _, err := io.WriteString(c, text); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(in)
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("the connection was kept, with %q to read", rest)
			}
			if len(ch) > 0 {
				t.Error("a message came through")
			}
		})
	}
}

// rawFrame makes a frame from the description of the format.
func rawFrame(kind byte, id uint64, body string) string {
	summed := string(binary.BigEndian.AppendUint64([]byte{kind}, id)) + body
	head := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	head = binary.BigEndian.AppendUint32(head, crc32.Checksum([]byte(summed), crc32.MakeTable(crc32.Castagnoli)))
	return string(head) + summed
}

// TestTheFormatOfFrames speaks it by hand.
func TestTheFormatOfFrames(t *testing.T) {
	h, ch := collect(1)
	answering := startNode(t, newBook(), 1, h, nil)
	c, in, resp := rawDial(t, answering.id.Address, upgrade())
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("DHT-Node") != "0000000000000001" {
		t.Fatalf("answer %s from %q", resp.Status, resp.Header.Get("DHT-Node"))
	}
	io.WriteString(c, rawFrame(7, 0, "")+rawFrame(1, 0, "a message")+rawFrame(2, 77, "a request"))
	if got := next(t, ch); got.from != 2 || got.lane != transport.Small || string(got.body) != "a message" {
		t.Errorf("message %+v", got)
	}
	want := rawFrame(3, 77, "a request")
	got := make([]byte, len(want))
	if _, err := io.ReadFull(in, got); err != nil || string(got) != want {
		t.Errorf("reply %q, error %v; want %q", got, err, want)
	}
	alive := make([]byte, len(rawFrame(7, 0, "")))
	if _, err := io.ReadFull(in, alive); err != nil || string(alive) != rawFrame(7, 0, "") {
		t.Errorf("%q, error %v, want a keep-alive", alive, err)
	}
}

func TestAHandshakeThatStopsHalfWayIsCutOff(t *testing.T) {
	cases := map[string]struct{ secret, head string }{
		"after the challenge":      {"s3cret", upgrade()},
		"in the second request":    {"s3cret", upgrade() + "GET /dht"},
		"by an endless second one": {"s3cret", upgrade()},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := newPipeNet()
				serveNode(t, newBook(), network.listen("one:1"), 1, &handler{}, func(cfg *transport.Config) { cfg.Secret = c.secret })
				conn, err := network.dial(t.Context(), "one:1")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				began := time.Now()
				done := make(chan struct{})
				go func() {
					defer close(done)
					io.WriteString(conn, c.head[:len(upgrade())])
					io.WriteString(conn, c.head[len(upgrade()):])
					for name == "by an endless second one" {
						if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nX: %s\r\n", strings.Repeat("x", 1000)); err != nil {
							return
						}
					}
				}()
				_, err = io.Copy(io.Discard, conn)
				if took := time.Since(began); err != nil || took > 6*time.Second {
					t.Errorf("cut off after %v, error %v", took, err)
				}
				<-done
			})
		})
	}
}
