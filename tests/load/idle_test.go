package load_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

const (
	idle           = 10_000
	maxConnections = 4096 // the default
)

// TestTenThousandIdleConnections: those that have been idle for longest make room,
// and whoever comes is served.
func TestTenThousandIdleConnections(t *testing.T) {
	n := harness.Start(t, "peer1")
	conns := make([]net.Conn, idle)
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}()
	for i := range conns {
		c, err := net.Dial("tcp", n.Address())
		if errors.Is(err, syscall.EMFILE) {
			t.Logf("the test may have no more than %d connections open", i)
			break
		}
		must(t, err)
		conns[i] = c
	}
	pairs := harness.Numbered("key", 100)
	harness.Load(t, pairs, n)
	harness.Verify(t, pairs, n)
	must(t, harness.Poll(answerWithin, func() error {
		return clients(n, maxConnections)
	}))
	open := stillOpen(conns)
	if open > maxConnections || open < maxConnections/2 {
		t.Errorf("%d of the idle connections are open, want nearly %d", open, maxConnections)
	}
	t.Logf("%d idle connections are open at the end", open)
}

// stillOpen counts the connections that the other end has not closed.
func stillOpen(conns []net.Conn) int {
	var open sync.Map
	var all sync.WaitGroup
	for i, c := range conns {
		if c == nil {
			continue
		}
		all.Go(func() {
			c.SetReadDeadline(time.Now().Add(2 * time.Second))
			if _, err := c.Read(make([]byte, 1)); isTimeout(err) {
				open.Store(i, true)
			}
		})
	}
	all.Wait()
	count := 0
	open.Range(func(any, any) bool { count++; return true })
	return count
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// clients says that more of them are connected than at most.
func clients(n *harness.Node, most float64) error {
	open, err := n.Gauge("dht_http_connections")
	if err == nil && open > most {
		err = fmt.Errorf("%v clients are connected", open)
	}
	return err
}
