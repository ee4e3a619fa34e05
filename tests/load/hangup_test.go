package load_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// places is how many requests the node may have under way: so it shows when one has
// ended.
const places = 2

// held is a cluster of two nodes without copies of each other's keys, where what is
// asked of the first for the key of the second waits.
type held struct {
	asked, frozen  *harness.Node
	free, withheld string // a key of each
}

// hold freezes the second node; the stall is that of the first.
func hold(t *testing.T, stall string) held {
	t.Helper()
	nodes := harness.Cluster(t, 2, "--replicas", "1", "--partitions", "8", "--request-timeout", "1m",
		"--max-requests", fmt.Sprint(places), "--max-wait", "100ms", "--stall", stall)
	harness.AwaitSettled(t, nodes)
	h := held{asked: nodes[0], frozen: nodes[1]}
	for i := 0; h.free == "" || h.withheld == ""; i++ {
		key := fmt.Sprintf("key-%d", i)
		place, err := h.asked.Place(key)
		must(t, err)
		if place.Primary.Name == h.frozen.Name {
			h.withheld = key
		} else {
			h.free = key
		}
	}
	must(t, h.asked.Put(h.free, "v"))
	must(t, h.asked.Put(h.withheld, "v"))
	h.frozen.Freeze()
	return h
}

// ask begins a request that waits.
func (h held) ask(t *testing.T, method, body string) *conn {
	t.Helper()
	c := mustDial(t, h.asked.Address())
	must(t, c.send(method, harness.KeyPath(h.withheld), body))
	return c
}

// serves says why a request that nothing else holds up finds no place; nil if it
// does.
func (h held) serves() error {
	_, _, err := h.asked.Get(h.free)
	return err
}

// awaitFull waits until every place is taken.
func (h held) awaitFull(t *testing.T) {
	t.Helper()
	harness.Await(t, answerWithin, "every place is taken", func() error {
		var refused *harness.StatusError
		switch err := h.serves(); {
		case err == nil:
			return errors.New("a request is served")
		case errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable:
			return nil
		default:
			return harness.Stop(err)
		}
	})
}

// TestClientsThatHaveGoneFreeTheirPlaces: long before the time of their requests is
// up.
func TestClientsThatHaveGoneFreeTheirPlaces(t *testing.T) {
	t.Parallel()
	h := hold(t, "200ms")
	conns := []*conn{h.ask(t, "GET", ""), h.ask(t, "PUT", "w")}
	h.awaitFull(t)
	for _, c := range conns {
		must(t, c.Close())
	}
	harness.Await(t, answerWithin, "a place is free", h.serves)
}

// TestAClientThatSendsNothingMoreGetsItsAnswer: one that closes its side after the
// request has not gone.
func TestAClientThatSendsNothingMoreGetsItsAnswer(t *testing.T) {
	t.Parallel()
	h := hold(t, "1m")
	waits, gone := h.ask(t, "PUT", "w"), h.ask(t, "GET", "")
	must(t, waits.Conn.(*net.TCPConn).CloseWrite())
	h.awaitFull(t)
	// A reset leaves no doubt. When it has been seen, the other was looked after, too.
	must(t, gone.Conn.(*net.TCPConn).SetLinger(0))
	must(t, gone.Close())
	harness.Await(t, answerWithin, "a place is free", h.serves)

	h.frozen.Thaw()
	must(t, waits.SetDeadline(time.Now().Add(answerWithin)))
	resp, text, err := waits.receive()
	must(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s, want 200", resp.StatusCode, text)
	}
	if got, _, err := h.asked.Get(h.withheld); err != nil || got != "w" {
		t.Errorf("GET: got %q, %v, want what was written", got, err)
	}
}
