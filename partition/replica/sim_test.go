package replica

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	simSeed      = flag.Uint64("seed", 0, "first seed of the simulated histories; 0: from the clock")
	simHistories = flag.Int("histories", 1500, "how many histories to simulate")
	simTrace     = flag.Bool("events", false, "print the events of a failing history")
)

const (
	simFaults = 6 * time.Second
	simCalm   = 17 * time.Second
	simQuiet  = 3 * time.Second // of simCalm, at the end
)

// describe prints where every copy stands.
func (w *world) describe(logf func(string, ...any)) {
	for _, n := range w.nodes {
		if n.core == nil {
			continue
		}
		for _, p := range n.core.peers {
			logf("node %d at %v (true %v, map %d): of node %d: %+v", n.id, n.clock(), w.now, n.core.m.Version, p.id, *p)
		}
		for _, c := range n.core.copies {
			if c == nil {
				continue
			}
			logf("node %d partition %d: %+v durable %d commit %d mark %v row %+v", n.id, c.id, c.log, c.durable, c.commit, c.mark, *c.row)
			if c.lead == nil {
				continue
			}
			logf("   leads term %d phase %d window %d-%d proposed %+v", c.lead.term, c.lead.phase, c.lead.window.base, c.lead.window.last(), c.lead.proposed)
			for _, f := range c.lead.followers {
				logf("   follower %d stage %d known %v counted %v acked %d sent %d log %+v mark %v out %+v gone %v asked %v since %v",
					f.id, f.stage, f.known, f.counted, f.acked, f.sent, f.log, f.mark, f.out, f.gone, f.asked, f.since)
			}
		}
	}
}

func firstSeed() uint64 {
	if *simSeed != 0 {
		return *simSeed
	}
	return uint64(time.Now().UnixNano())
}

// TestEveryHistoryKeepsTheInvariants plays histories of whole clusters under
// faults. A failing one is replayed with -seed N -histories 1 -events.
func TestEveryHistoryKeepsTheInvariants(t *testing.T) {
	first := firstSeed()
	t.Logf("histories %d from seed %d", *simHistories, first)
	var next, reads, writes, commits, transfers, rotten atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for !t.Failed() {
				i := next.Add(1) - 1
				if i >= int64(*simHistories) {
					return
				}
				if i > 0 && i%10000 == 0 {
					t.Logf("%d histories begun", i)
				}
				w := newWorld(first + uint64(i))
				err := w.run(simFaults, simCalm)
				reads.Add(int64(w.truth.reads))
				writes.Add(int64(w.truth.writes))
				commits.Add(int64(w.truth.commits))
				transfers.Add(int64(w.truth.transfer))
				rotten.Add(int64(w.truth.rotten))
				if err != nil {
					t.Errorf("seed %d at %v after %d steps: %v", w.seed, w.now, w.steps, err)
					if *simTrace {
						for _, line := range w.trace {
							t.Log(line)
						}
						w.describe(t.Logf)
					}
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d reads, %d writes answered, %d entries committed, %d transfers, %d copies found damaged", reads.Load(), writes.Load(), commits.Load(), transfers.Load(), rotten.Load())
	if *simHistories >= 100 && (writes.Load() == 0 || reads.Load() == 0 || transfers.Load() == 0 || rotten.Load() == 0) {
		t.Error("the histories did too little to show anything")
	}
}
