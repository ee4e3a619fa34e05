package dialect

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"pipelinedht/httpapi/load"
)

// conversation is a speaker that has a connection.
type conversation struct {
	net.Conn
	load.Speaker
	reader *bufio.Reader
}

// converse has a speaker of gRPC talk to a server of HTTP/2 that is not ours.
func converse(t *testing.T, keyBytes, valueBytes int, h http.HandlerFunc) *conversation {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &conversation{conn, EtcdGRPC{}.Speaker(keyBytes, valueBytes), bufio.NewReader(conn)}
	c.send(t, c.Speaker.(load.Greeter).Greet())
	return c
}

func (c *conversation) send(t *testing.T, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

func (c *conversation) ask(t *testing.T, op load.Op, key string) int {
	t.Helper()
	c.send(t, c.Request(op, []byte(key), stamp))
	status, err := c.Answer(c.reader)
	if err != nil {
		t.Fatalf("%v of %s: %v", op, key, err)
	}
	return status
}

// reply answers with a message of that many bytes, none if it is negative, and the
// status of gRPC.
func reply(w http.ResponseWriter, messageBytes, status int) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	if messageBytes >= 0 {
		prefix := binary.BigEndian.AppendUint32([]byte{0}, uint32(messageBytes))
		w.Write(append(prefix, make([]byte, messageBytes)...))
	}
	w.Header().Set("Grpc-Status", fmt.Sprint(status))
}

func TestAServerOfHTTP2UnderstandsTheCalls(t *testing.T) {
	t.Parallel()
	type call struct{ path, kind, te, body string }
	calls := make(chan call, 1)
	c := converse(t, 3, 10, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			body = []byte(err.Error())
		}
		calls <- call{r.URL.Path, r.Header.Get("Content-Type"), r.Header.Get("Te"), string(body)}
		reply(w, 0, 0)
	})
	for i, want := range []struct {
		op         load.Op
		path, body string
		random     int // bytes of the value behind its stamp
	}{
		{load.Put, "/etcdserverpb.KV/Put", "\x00\x00\x00\x00\x11\x0a\x03abc\x12\x0aabcdefgh", 2},
		{load.Get, "/etcdserverpb.KV/Range", "\x00\x00\x00\x00\x05\x0a\x03abc", 0},
		{load.Delete, "/etcdserverpb.KV/DeleteRange", "\x00\x00\x00\x00\x05\x0a\x03abc", 0},
		{load.Put, "/etcdserverpb.KV/Put", "\x00\x00\x00\x00\x11\x0a\x03abc\x12\x0aabcdefgh", 2},
	} {
		if status := c.ask(t, want.op, "abc"); status != load.StatusOK {
			t.Errorf("call %d: got status %d, want %d", i, status, load.StatusOK)
		}
		got := <-calls
		if got.path != want.path || got.kind != "application/grpc" || got.te != "trailers" {
			t.Errorf("call %d: got %+v, want one to %s as gRPC has it", i, got, want.path)
		}
		if !strings.HasPrefix(got.body, want.body) || len(got.body) != len(want.body)+want.random {
			t.Errorf("call %d: got the body %q, want %q and %d more bytes", i, got.body, want.body, want.random)
		}
	}
}

func TestACallWithoutAMessageWasRefused(t *testing.T) {
	t.Parallel()
	refuse, reset := true, false
	c := converse(t, 1, 8, func(w http.ResponseWriter, _ *http.Request) {
		switch {
		case reset:
			panic(http.ErrAbortHandler)
		case refuse:
			reply(w, -1, 14)
		default:
			reply(w, 20, 0)
		}
	})
	for range 2 {
		refuse = true
		if status := c.ask(t, load.Get, "k"); status != http.StatusInternalServerError {
			t.Errorf("refused: got status %d, want %d", status, http.StatusInternalServerError)
		}
		refuse = false
		if status := c.ask(t, load.Get, "k"); status != load.StatusOK {
			t.Errorf("answered: got status %d, want %d", status, load.StatusOK)
		}
	}
	reset = true
	if status := c.ask(t, load.Get, "k"); status != http.StatusInternalServerError {
		t.Errorf("reset: got status %d, want %d", status, http.StatusInternalServerError)
	}
}

func TestWindowsNeverRunDry(t *testing.T) {
	t.Parallel()
	const answer, rounds = 300 << 10, 20 // 6 MiB in all, and 160 KiB of values
	c := converse(t, 1, GRPCValue, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		reply(w, answer, 0)
	})
	for i := range rounds {
		if status := c.ask(t, load.Put, "k"); status != load.StatusOK {
			t.Errorf("call %d: got status %d, want %d", i, status, load.StatusOK)
		}
	}
}

// answered is the frames of a whole answer on a stream.
func answered(stream uint32) []byte {
	b := appendFrame(nil, frameHeaders, flagEndHeaders, stream, []byte{0x88})
	b = appendFrame(b, frameData, 0, stream, make([]byte, 5))
	return appendFrame(b, frameHeaders, flagEndHeaders|flagEndStream, stream, []byte{0x88})
}

func TestPingsSettingsAndWindowsAreAnsweredAheadOfTheNextRequest(t *testing.T) {
	t.Parallel()
	s := EtcdGRPC{}.Speaker(1, 8)
	s.(load.Greeter).Greet()
	first := slices.Clone(s.Request(load.Get, []byte("k"), 0))
	stream := appendFrame(nil, frameSettings, 0, 0, nil)
	stream = appendFrame(stream, framePing, 0, 0, []byte("12345678"))
	stream = appendFrame(stream, framePing, flagAck, 0, []byte("87654321"))
	for range replenishAfter / mostFrame {
		stream = appendFrame(stream, frameData, 0, 1, make([]byte, mostFrame))
	}
	stream = append(stream, answered(3)...)
	if status, err := s.Answer(bufio.NewReader(strings.NewReader(string(stream)))); status != load.StatusOK || err != nil {
		t.Fatalf("got %d, %v, want %d", status, err, load.StatusOK)
	}
	want := appendFrame(nil, frameSettings, flagAck, 0, nil)
	want = appendFrame(want, framePing, flagAck, 0, []byte("12345678"))
	want = appendWindowUpdate(want, replenishAfter+5)
	got := s.Request(load.Get, []byte("k"), 0)
	if len(got) != len(want)+len(first) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("the second request: got %q, want %q ahead of %d bytes", got, want, len(first))
	}
	if got := s.Request(load.Get, []byte("k"), 0); len(got) != len(first) {
		t.Errorf("the third request: got %d bytes, want %d as the first", len(got), len(first))
	}
}

func TestTheLastAnswerAheadOfAFarewellIsTold(t *testing.T) {
	t.Parallel()
	s := EtcdGRPC{}.Speaker(1, 8)
	s.(load.Greeter).Greet()
	s.Request(load.Get, []byte("k"), 0)
	text := string(appendFrame(nil, frameGoAway, 0, 0, make([]byte, 8))) + string(answered(3))
	status, err := s.Answer(bufio.NewReader(strings.NewReader(text)))
	if status != load.StatusOK || !errors.Is(err, load.ErrClosing) {
		t.Errorf("got %d, %v, want %d and ErrClosing", status, err, load.StatusOK)
	}
}

func TestWhatIsNoFrameIsAnError(t *testing.T) {
	t.Parallel()
	whole := string(answered(3))
	for name, text := range map[string]string{
		"nothing":         "",
		"HTTP/1.1":        "HTTP/1.1 400 Bad Request\r\n\r\n",
		"cut in a header": whole[:4],
		"cut in a body":   whole[:12],
		"cut at the end":  whole[:len(whole)-1],
		"another stream":  string(answered(1)),
	} {
		s := EtcdGRPC{}.Speaker(1, 8)
		s.(load.Greeter).Greet()
		s.Request(load.Get, []byte("k"), 0)
		if got, err := answers(s, text); len(got) > 0 || err == nil || errors.Is(err, load.ErrClosing) {
			t.Errorf("%s: got %v, %v, want an error", name, got, err)
		}
	}
}
