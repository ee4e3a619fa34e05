package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pipelinedht/httpapi"
)

// chunked writes a body in chunks of a size, without the last one.
func chunked(body string, size int) string {
	var b strings.Builder
	for len(body) > 0 {
		n := min(size, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return b.String()
}

func TestValuesOfAnyAllowedSizeArrive(t *testing.T) {
	const most = 1 << 20
	f := start(t, httpapi.Limits{ValueBytes: most, BodyBytes: most})
	for _, size := range []int{0, 1, 65_535, 65_536, 65_537, most} {
		value := strings.Repeat("v", size)
		f.raw(t, fmt.Sprintf("PUT /db/k HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, value), false).expect(t, 200, "")
		if got, _ := f.table.get("k"); got != value {
			t.Errorf("%d bytes: the table got %d", size, len(got))
		}
		f.raw(t, "PUT /db/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+chunked(value, 10_000)+"0\r\n\r\n", false).expect(t, 200, "")
		if got, _ := f.table.get("k"); got != value {
			t.Errorf("%d bytes in chunks: the table got %d", size, len(got))
		}
		if a := f.ask(t, "GET", "/db/k", ""); a.body != value {
			t.Errorf("%d bytes: GET got %d", size, len(a.body))
		}
	}
}

func TestBodiesThatAreRefused(t *testing.T) {
	const most = 100_000
	for _, c := range []struct {
		name, request string
		hangUp        bool
		status        int
		words         string
	}{
		{"a value announced as too large is not even read",
			"PUT /db/k HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n", false, 413, "value of 100001 bytes: at most 100000"},
		{"nor with an expectation to go on",
			"PUT /db/k HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\nExpect: 100-continue\r\n\r\n", false, 413, "at most 100000"},
		{"a value under a key that is too large",
			"PUT /db/" + strings.Repeat("k", 5000) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", false, 414, "key of 5000 bytes"},
		{"a value in chunks that grows too large",
			"PUT /db/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(strings.Repeat("v", most+1), 1000), false, 413, "value of more than 100000 bytes"},
		{"a value that stops half way",
			"PUT /db/k HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", true, 400, "stopped after 4 of 10 bytes; nothing was changed"},
		{"a large value that stops half way",
			"PUT /db/k HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + strings.Repeat("v", 70_000), true, 400, "stopped after 70000 of 90000 bytes"},
		{"a value in chunks that stops half way",
			"PUT /db/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("half", 4), true, 400, "stopped after 4 of an unknown number of bytes"},
		{"a large value in chunks that stops half way",
			"PUT /db/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(strings.Repeat("v", 70_000), 1000), true, 400, "stopped after 70000"},
		{"a value in bad chunks",
			"PUT /db/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", true, 400, "stopped after 0"},
		{"a join list announced as too large",
			"POST /dht/join HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", false, 413, "join list of 65537 bytes: at most 65536"},
		{"a join list that stops half way",
			"POST /dht/join HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\npeer1:a:1", true, 400, "the join list stopped after 9 of 100 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, httpapi.Limits{ValueBytes: most})
			f.raw(t, c.request, c.hangUp).expectLine(t, c.status, c.words)
			if len(f.table.records) != 0 || f.cluster.contacts != nil {
				t.Errorf("afterwards: %d keys, joined %v; want nothing changed", len(f.table.records), f.cluster.contacts)
			}
		})
	}
}

func TestBodyThatIsTooSlowIsCutOff(t *testing.T) {
	f := start(t, httpapi.Limits{BodyTimeout: 50 * time.Millisecond})
	a := f.raw(t, "PUT /db/k HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", false)
	a.expectLine(t, 408, "too slow: 4 of 10 bytes came in time; nothing was changed")
	if len(f.table.records) != 0 {
		t.Errorf("afterwards: %d keys, want none", len(f.table.records))
	}
}

func TestRoomThatIsTakenComesBack(t *testing.T) {
	// With room for one large value at a time, any that was not given back
	// would make the next one fail.
	f := start(t, httpapi.Limits{ValueBytes: 100_000, BodyBytes: 100_000, Requests: 1, RoomWait: time.Millisecond})
	whole := "Content-Length: 100000\r\n\r\n" + strings.Repeat("v", 100_000)
	for range 3 {
		f.raw(t, "PUT /db/k HTTP/1.1\r\nHost: x\r\n"+whole[:80_000], true).expectLine(t, 400, "stopped")
		f.raw(t, "PUT /db/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+chunked(whole[:80_000], 1000), true).expectLine(t, 400, "stopped")
		f.raw(t, "PUT /db/k HTTP/1.1\r\nHost: x\r\nIf-Match: \"1\"\r\n"+whole, false).expectLine(t, 412, "nothing")
		f.raw(t, "PUT /db/other HTTP/1.1\r\nHost: x\r\n"+whole, false).expect(t, 200, "")
		f.ask(t, "GET", "/db", "").expect(t, 200, "other\r\n")
	}
}
