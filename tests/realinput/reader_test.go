package realinput_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"pipelinedht/tests/harness"
)

// reader compares random files, read through the nodes that are members
// throughout, without pause until it is stopped.
type reader struct {
	reads   atomic.Int64
	stopped atomic.Bool
	running sync.WaitGroup

	mu     sync.Mutex
	faults []error
}

func startReader(tr *tree, nodes []*harness.Node, seed uint64, parallel int) *reader {
	r := new(reader)
	for i := range parallel {
		rng := harness.Rand(seed, uint64(i))
		r.running.Go(func() { r.run(tr, nodes, rng) })
	}
	return r
}

func (r *reader) run(tr *tree, nodes []*harness.Node, rng *rand.Rand) {
	for !r.stopped.Load() {
		err := tr.compare(nodes[rng.IntN(len(nodes))], tr.paths[rng.IntN(len(tr.paths))])
		r.reads.Add(1)
		if err != nil {
			r.mu.Lock()
			r.faults = append(r.faults, err)
			r.mu.Unlock()
		}
	}
}

// stop ends the reading and fails the test for every read that failed or showed
// other bytes than were written.
func (r *reader) stop(t *testing.T) {
	t.Helper()
	r.stopped.Store(true)
	r.running.Wait()
	const shown = 10
	for _, err := range r.faults[:min(shown, len(r.faults))] {
		t.Error(err)
	}
	if len(r.faults) > 0 || r.reads.Load() == 0 {
		t.Errorf("%d of %d reads went wrong", len(r.faults), r.reads.Load())
	}
	t.Logf("%d reads while nodes joined and left", r.reads.Load())
}
