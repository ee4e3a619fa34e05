// Package traffic is what clients ask while faults go on: registers that many of
// them read and write at once, and keys that are written once each. It records
// what they were told, and judges nothing.
package traffic

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/harness"
	"pipelinedht/tests/register"
	"pipelinedht/tests/request"
)

const (
	onceWriters = 2
	// pause is the longest between two requests of a client: the nodes and the
	// clients share the machine.
	pause = 16 * time.Millisecond
	// refusedPause follows a request that failed.
	refusedPause = 50 * time.Millisecond
)

// Traffic is the clients of one run.
type Traffic struct {
	Registers *register.History
	Once      *Once

	seed    uint64
	perNode int // clients
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	count   counters

	mu      sync.Mutex // guards members
	members []*cluster.Member
}

// counters are what became of requests for registers and written-once keys.
type counters struct {
	done, failed, unknown atomic.Int64
	failedWell            atomic.Int64 // failed or unknown, through a node that no fault was upon
	mu                    sync.Mutex   // guards odd
	odd                   []string     // answers that the contract does not have
	samples               []string     // of failures through nodes that are well
}

// Count is what became of the requests so far.
type Count struct {
	Done, Failed, Unknown int
	FailedWell            int // of Failed and Unknown: through nodes that no fault was upon
}

// Start starts clients that ask all members of the cluster: so many for each node,
// and some that write keys once, through any.
func Start(c *cluster.Cluster, seed uint64, perNode int) *Traffic {
	t := &Traffic{Registers: register.NewHistory(), Once: newOnce(), seed: seed, perNode: perNode}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	for _, m := range c.Members() {
		t.Add(m)
	}
	for i := range onceWriters {
		t.running.Go(func() { t.writeOnce(i) })
	}
	return t
}

// Add starts clients of one more node. It is not called once Stop is.
func (t *Traffic) Add(m *cluster.Member) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for j := range t.perNode {
		id := len(t.members)*t.perNode + j
		t.running.Go(func() { t.client(id, m) })
	}
	t.members = append(t.members, m)
}

// Stop stops the clients and waits for them; it may be called again.
func (t *Traffic) Stop() {
	t.cancel()
	t.running.Wait()
}

// Count returns what became of the requests so far.
func (t *Traffic) Count() Count {
	return Count{
		Done: int(t.count.done.Load()), Failed: int(t.count.failed.Load()), Unknown: int(t.count.unknown.Load()),
		FailedWell: int(t.count.failedWell.Load()),
	}
}

// Odd returns the answers that the contract does not have.
func (t *Traffic) Odd() []string {
	t.count.mu.Lock()
	defer t.count.mu.Unlock()
	return append([]string(nil), t.count.odd...)
}

// Samples returns some of the failures through nodes that no fault was upon.
func (t *Traffic) Samples() []string {
	t.count.mu.Lock()
	defer t.count.mu.Unlock()
	return append([]string(nil), t.count.samples...)
}

const (
	mostOdd     = 100
	mostSamples = 40
)

// note counts an answer. well: no fault was upon the node from call to answer.
func (t *Traffic) note(m *cluster.Member, well bool, v request.Verdict, err error) {
	c := &t.count
	line := func() string { return fmt.Sprintf("%v: through %s: %v: %v", t.Registers.Now(), m.Name, v, err) }
	switch v {
	case request.Done:
		c.done.Add(1)
		return
	case request.Failed:
		c.failed.Add(1)
	case request.Unknown:
		c.unknown.Add(1)
	case request.Odd:
		c.unknown.Add(1)
		c.mu.Lock()
		if len(c.odd) < mostOdd {
			c.odd = append(c.odd, line())
		}
		c.mu.Unlock()
	}
	if well {
		c.failedWell.Add(1)
		c.mu.Lock()
		if len(c.samples) < mostSamples {
			c.samples = append(c.samples, line())
		}
		c.mu.Unlock()
	}
}

// rest is the pause of a client, longer after a failure.
func (t *Traffic) rest(rng *rand.Rand, v request.Verdict) {
	d := time.Duration(rng.Int64N(int64(pause)))
	if v != request.Done {
		d = refusedPause
	}
	select {
	case <-time.After(d):
	case <-t.ctx.Done():
	}
}

// random is the source of numbers of one client.
func (t *Traffic) random(stream uint64) *rand.Rand { return harness.Rand(t.seed, stream) }
