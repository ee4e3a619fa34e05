package failover_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

const (
	clientsPerNode = 3
	keysPerClient  = 25
	// turnWithin bounds how long every client may take to use all of its keys,
	// a failover in between; seconds are promised, and the machine is shared.
	turnWithin = 60 * time.Second
)

// traffic is clients of every node. Each has a connection and keys of its own,
// which it counts up and reads back in turn.
type traffic struct {
	clients []*client
	stopped atomic.Bool
	running sync.WaitGroup
}

// client is one of them. It stays with its node as long as that answers, and
// then goes to the next one.
type client struct {
	home  *harness.Node
	keys  []string
	turns atomic.Int64 // times that it has used all its keys

	// What follows belongs to its goroutine until traffic.stop.
	at       *harness.Client // the connection in use
	others   []*harness.Node // to go to when it breaks
	acked    map[string]int  // the last number acknowledged
	tried    map[string]int  // the last number sent: it may be there or not
	failures []failure
	waits    []wait // of the requests that took long
}

// failure is a request that was not answered with 2xx.
type failure struct {
	began, ended time.Time
	node         string // that was asked
	err          error
}

func (f failure) String() string {
	return fmt.Sprintf("through %s, after %v: %v", f.node, f.ended.Sub(f.began).Round(time.Millisecond), f.err)
}

// wait is a request that took longer than usual.
type wait struct {
	began time.Time
	took  time.Duration
}

// worthNoting is from when on a wait is taken down.
const worthNoting = 100 * time.Millisecond

// startTraffic begins, and returns when every client has used all its keys.
func startTraffic(t *testing.T, nodes []*harness.Node) *traffic {
	t.Helper()
	tr := new(traffic)
	for i, home := range nodes {
		for c := range clientsPerNode {
			one := &client{
				home: home, at: harness.NewClient(home.Address()),
				others: slices.Concat(nodes[i+1:], nodes[:i]),
				acked:  make(map[string]int), tried: make(map[string]int),
			}
			for k := range keysPerClient {
				one.keys = append(one.keys, fmt.Sprintf("%s-%d-%d", home.Name, c, k))
			}
			tr.clients = append(tr.clients, one)
		}
	}
	for _, c := range tr.clients {
		tr.running.Go(func() { c.run(&tr.stopped) })
	}
	t.Cleanup(tr.stop)
	tr.awaitTurns(t, 1)
	return tr
}

// awaitTurns waits until every client has used all its keys so many times more.
func (tr *traffic) awaitTurns(t *testing.T, more int64, except ...*harness.Node) {
	t.Helper()
	for _, c := range tr.clients {
		if slices.Contains(except, c.home) {
			continue
		}
		// The turn that is under way does not count: it began before.
		want := c.turns.Load() + more + 1
		harness.Await(t, turnWithin, "the clients of "+c.home.Name+" have used all their keys", func() error {
			if got := c.turns.Load(); got < want {
				return fmt.Errorf("turn %d of %d", got, want)
			}
			return nil
		})
	}
}

// stop ends the clients. It may be called more than once.
func (tr *traffic) stop() {
	tr.stopped.Store(true)
	tr.running.Wait()
}

func (c *client) run(stopped *atomic.Bool) {
	defer func() { c.at.Close() }()
	for ; ; c.turns.Add(1) {
		for _, key := range c.keys {
			if stopped.Load() {
				return
			}
			c.tried[key]++
			if c.timed(func() error { return c.at.Put(key, strconv.Itoa(c.tried[key])) }) {
				c.acked[key] = c.tried[key]
			}
			c.timed(func() error { return c.check(c.at, key) })
		}
	}
}

// timed carries a request out and takes down how it went.
func (c *client) timed(request func() error) bool {
	node, began := c.at.Address(), time.Now()
	err := request()
	if took := time.Since(began); took > worthNoting {
		c.waits = append(c.waits, wait{began, took})
	}
	if err == nil {
		return true
	}
	c.failures = append(c.failures, failure{began, time.Now(), node, err})
	c.at.Close()
	c.at = harness.NewClient(c.others[0].Address())
	c.others = append(c.others[1:], c.others[0])
	return false
}

// check reads a key back: at least what was acknowledged last, at most what was
// tried last. What is read counts as acknowledged from then on.
func (c *client) check(at *harness.Client, key string) error {
	value, _, err := at.Get(key)
	if err != nil {
		return err
	}
	got, _ := strconv.Atoi(value)
	if got < c.acked[key] || got > c.tried[key] {
		return fmt.Errorf("%s: got %q, want %d (acknowledged) to %d (tried)", key, value, c.acked[key], c.tried[key])
	}
	c.acked[key] = got
	return nil
}

// verify reads every key through every node.
func (tr *traffic) verify(t *testing.T, nodes []*harness.Node) {
	t.Helper()
	for _, n := range nodes {
		for _, c := range tr.clients {
			for _, key := range c.keys {
				if err := c.check(n.Client, key); err != nil {
					t.Errorf("through %s: %v", n.Name, err)
				}
			}
		}
	}
}

// report fails the test if a client saw more failures than it may: one if it
// was connected to the victim, else none. It prints how long requests waited.
func (tr *traffic) report(t *testing.T, victim *harness.Node, since time.Time) {
	t.Helper()
	failed := make(map[bool]int) // by whether the client was the victim's
	var longest time.Duration
	var held int
	for _, c := range tr.clients {
		failed[c.home == victim] += len(c.failures)
		allowed := 0
		if c.home == victim {
			allowed = 1
		}
		if len(c.failures) > allowed {
			t.Errorf("a client of %s: %d failed answers, want at most %d: %v", c.home.Name, len(c.failures), allowed, c.failures)
		}
		for _, w := range c.waits {
			if c.home != victim && !w.began.Add(w.took).Before(since) {
				held++
				longest = max(longest, w.took)
			}
		}
	}
	t.Logf("failed answers: %d to %d clients of %s, %d to the others; those held %d requests for more than %v, the longest for %v",
		failed[true], clientsPerNode, victim.Name, failed[false], held, worthNoting, longest.Round(time.Millisecond))
}
