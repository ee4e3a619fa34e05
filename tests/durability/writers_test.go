package durability_test

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

const writerCount = 6

// writers are goroutines that count up, each in a key of its own, through all
// nodes in turn, until they are stopped.
type writers struct {
	all     [writerCount]writer
	stopped atomic.Bool
	acks    atomic.Int64
	running sync.WaitGroup
}

// writer is one of them. Its numbers belong to its goroutine until stop returns.
type writer struct {
	key          string
	acknowledged int // the last number that a node acknowledged
	tried        int // the last number that was sent: it may be there or not
}

func startWriters(nodes []*harness.Node, round int) *writers {
	w := new(writers)
	clients := make([]*harness.Client, len(nodes))
	for i, n := range nodes {
		clients[i] = n.Client
	}
	for i := range w.all {
		one := &w.all[i]
		one.key = fmt.Sprintf("counter-%d-%d", round, i)
		w.running.Go(func() {
			for turn := i; !w.stopped.Load(); turn++ {
				one.tried++
				if err := clients[turn%len(clients)].Put(one.key, strconv.Itoa(one.tried)); err == nil {
					one.acknowledged = one.tried
					w.acks.Add(1)
				}
			}
		})
	}
	return w
}

// awaitAcknowledged waits until so many writes are acknowledged in all.
func (w *writers) awaitAcknowledged(t *testing.T, count int64) {
	t.Helper()
	harness.Await(t, 30*time.Second, fmt.Sprintf("%d writes are acknowledged", count), func() error {
		if n := w.acks.Load(); n < count {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
}

func (w *writers) stop() {
	w.stopped.Store(true)
	w.running.Wait()
}

// verify checks that every counter shows at least what was acknowledged and at
// most what was tried, and returns the counters as they are.
func (w *writers) verify(t *testing.T, nodes []*harness.Node) harness.Pairs {
	t.Helper()
	pairs := make(harness.Pairs)
	for i := range w.all {
		one := &w.all[i]
		value, _, err := nodes[i%len(nodes)].Get(one.key)
		must(t, err)
		got, err := strconv.Atoi(value)
		if err != nil || got < one.acknowledged || got > one.tried {
			t.Errorf("%s: got %q, want a number from %d (acknowledged) to %d (tried)", one.key, value, one.acknowledged, one.tried)
		}
		pairs[one.key] = value
	}
	return pairs
}
