package httpapi_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"pipelinedht/httpapi"
)

// putHead is the head of a PUT of so many bytes.
func putHead(key string, size int) string {
	return fmt.Sprintf("PUT /db/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", key, size)
}

func TestASlowSenderMakesRoomInMemory(t *testing.T) {
	const size = 1 << 20
	f := start(t, httpapi.Limits{ValueBytes: size, BodyBytes: size, Stall: 20 * time.Millisecond, RoomWait: 20 * time.Second})
	slow := f.dial(t)
	io.WriteString(slow, putHead("slow", size)+strings.Repeat("v", size/2))

	f.raw(t, putHead("k", size)+strings.Repeat("v", size), false).expect(t, 200, "")
	if !slow.cut() {
		t.Error("the slow sender is still connected")
	}
	if _, ok := f.table.get("slow"); ok {
		t.Error("half of a value was stored")
	}
}

func TestASlowReaderMakesRoomInMemory(t *testing.T) {
	const size = 16 << 20 // more than the buffers of a connection hold
	f := start(t, httpapi.Limits{AnswerBytes: size, Stall: 20 * time.Millisecond, RoomWait: 20 * time.Second})
	value := strings.Repeat("v", size)
	f.table.set("k", value, 5)
	slow := f.dial(t)
	slow.send("/db/k")
	if _, err := slow.reader.ReadByte(); err != nil {
		t.Fatal(err)
	}
	if a := f.ask(t, "GET", "/db/k", ""); a.status != 200 || a.body != value {
		t.Errorf("the next reader: got %d and %d bytes", a.status, len(a.body))
	}
	if n, err := io.Copy(io.Discard, slow.reader); err == nil && n >= size {
		t.Errorf("the slow reader got all %d bytes after the next one", n)
	}
}

func TestASilentSenderMakesRoomAmongConnections(t *testing.T) {
	f := start(t, httpapi.Limits{Connections: 1, Stall: 20 * time.Millisecond})
	silent := f.dial(t)
	io.WriteString(silent, putHead("k", 10)+"half")
	// Before the silence is long enough it is the newest that is closed.
	for deadline := time.Now().Add(20 * time.Second); ; {
		if time.Now().After(deadline) {
			t.Fatal("nobody else is let in")
		}
		next := f.dial(t)
		next.Write([]byte("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
		if _, err := next.reader.Peek(1); err != nil {
			continue
		}
		if got := next.receive(); got != 200 {
			t.Errorf("got %d, want 200", got)
		}
		break
	}
	if !silent.cut() {
		t.Error("the silent sender is still connected")
	}
}

func TestAnEndlessHeaderMakesRoom(t *testing.T) {
	f := start(t, httpapi.Limits{Connections: 1})
	endless := f.dial(t)
	io.WriteString(endless, "GET /db/k HTTP/1.1\r\nX: ")
	next := f.dial(t)
	next.send("/healthz")
	if got := next.receive(); got != 200 {
		t.Errorf("got %d, want 200", got)
	}
	if !endless.cut() {
		t.Error("the connection with half a header is still open")
	}
}

func TestAReaderThatTakesPiecesIsNotCut(t *testing.T) {
	const size = 16 << 20
	f := start(t, httpapi.Limits{AnswerBytes: size, Stall: 20 * time.Second, RoomWait: 20 * time.Millisecond})
	f.table.set("k", strings.Repeat("v", size), 5)
	first := f.dial(t)
	first.send("/db/k")
	if _, err := first.reader.ReadByte(); err != nil {
		t.Fatal(err)
	}
	f.ask(t, "GET", "/db/k", "").expectLine(t, 503, "as many requests under way")
	n, err := io.CopyN(io.Discard, first.reader, size)
	if err != nil || n != size {
		t.Errorf("got %d bytes, want %d: %v", n, size, err)
	}
}
