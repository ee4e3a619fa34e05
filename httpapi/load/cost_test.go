package load

import (
	"net"
	"sync/atomic"
	"testing"
)

// echo is a connection that has the same answer to everything.
type echo struct {
	net.Conn
	answer string
}

func (e *echo) Write(p []byte) (int, error) { return len(p), nil }
func (e *echo) Read(p []byte) (int, error)  { return copy(p, e.answer), nil }

func TestARequestAllocatesNothing(t *testing.T) {
	for name, keys := range map[string]Keys{"numbered": Numbered("k", 1000), "listed": Listed([]string{"a", "b"})} {
		l := Load{Reads: 0.5, ValueBytes: 100, Skew: YCSBSkew}
		var stopped atomic.Bool
		c := l.client(Target{Keys: keys}, newZipf(keys.Count(), l.Skew), &stopped)
		c.conn = newConn(&echo{answer: "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 01:00:36 GMT\r\nContent-Length: 5\r\n\r\nhello"}, 0)
		if got := testing.AllocsPerRun(1000, func() {
			op := c.op()
			status, err := c.exchange(op)
			if err != nil {
				t.Fatal(err)
			}
			c.count(op, status, 1)
		}); got != 0 {
			t.Errorf("%s keys: got %v allocations a request, want none", name, got)
		}
	}
}
