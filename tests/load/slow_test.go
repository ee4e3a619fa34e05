package load_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// impatient are the flags of a node with little memory for large values, of which
// slow clients may keep each other out, but nobody else for long.
var impatient = []string{"--max-body-memory", "4MiB", "--max-answer-memory", "4MiB", "--max-value", "2MiB", "--stall", "500ms", "--max-wait", "30s"}

// slowClients is how many slow clients there are: many times what the memory is for.
const slowClients = 50

var large = strings.Repeat("large", 2*mib/5)

// usable fails the test unless others can use the node, for small and large values
// and lists of keys.
func usable(t *testing.T, n *harness.Node) {
	t.Helper()
	must(t, n.Put("small", "v"))
	must(t, n.Put("another", large))
	for key, want := range map[string]string{"small": "v", "another": large} {
		got, found, err := n.Get(key)
		must(t, err)
		if !found || got != want {
			t.Fatalf("GET %s: got %d bytes, want %d", key, len(got), len(want))
		}
	}
	keys, err := n.Keys()
	must(t, err)
	if len(keys) < 2 {
		t.Fatalf("GET /db: got %d keys, want 2 at least", len(keys))
	}
}

func TestSlowSendersHarmNobody(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1", impatient...)
	stop, ended := make(chan struct{}), make(chan struct{}, slowClients)
	for i := range slowClients {
		c := mustDial(t, n.Address())
		_, err := fmt.Fprintf(c, "PUT /db/slow-%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", i, 2*mib)
		must(t, err)
		go func() {
			defer func() { ended <- struct{}{} }()
			trickle(c, stop)
		}()
	}
	usable(t, n)
	close(stop)
	for range slowClients {
		<-ended
	}
	keys, err := n.Keys()
	must(t, err)
	for _, key := range keys {
		if strings.HasPrefix(key, "slow-") {
			t.Errorf("%s was never sent whole, and is there", key)
		}
	}
}

// trickle sends one byte after another until stop is closed or the other end hangs
// up.
func trickle(c *conn, stop <-chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if _, err := io.WriteString(c, "v"); err != nil {
			return
		}
	}
}

func TestSlowReadersHarmNobody(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1", impatient...)
	must(t, n.Put("large", large))
	// More keys than the buffers of a connection hold.
	must(t, harness.EachKey(make([]string, 6000), 8, func(i int, _ string) error {
		return n.Put(fmt.Sprintf("%04d-%s", i, strings.Repeat("k", 2000)), "")
	}))
	for i := range slowClients {
		c := mustDial(t, n.Address())
		path := "/db/large"
		if i%2 == 0 {
			path = "/db"
		}
		must(t, c.send("GET", path, ""))
	}
	usable(t, n)
}

// TestTimeOutsCutWhoeverIsSilent: nobody else waits for its place, and the client
// may be gone without a word.
func TestTimeOutsCutWhoeverIsSilent(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1", "--header-timeout", "300ms", "--body-timeout", "1s", "--idle-timeout", "300ms", "--answer-timeout", "1s")
	must(t, n.Put("large", strings.Repeat("v", 16*mib)))
	for _, silent := range []struct{ name, sends string }{
		{"between requests", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"before the first", ""},
		{"in a header", "GET /db/k HTTP/1.1\r\nX: "},
		{"in a body", "PUT /db/k HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"},
		{"in a chunk", "PUT /db/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf"},
	} {
		c := mustDial(t, n.Address())
		_, err := io.WriteString(c, silent.sends)
		must(t, err)
		must(t, c.SetDeadline(time.Now().Add(answerWithin)))
		if _, err := io.Copy(io.Discard, c); err != nil && isTimeout(err) {
			t.Errorf("silent %s: still connected after %v", silent.name, answerWithin)
		}
	}
	// Of an answer that is not taken the rest is never sent.
	c := mustDial(t, n.Address())
	must(t, c.send("GET", "/db/large", ""))
	must(t, harness.Poll(answerWithin, func() error {
		return clients(n, 1) // the one that asks
	}))
	if got, err := io.Copy(io.Discard, c); err == nil && got >= 16*mib {
		t.Error("the whole answer came after the time-out")
	}
	if _, found, err := n.Get("k"); err != nil || found {
		t.Errorf("half a value: found %t, %v", found, err)
	}
}
