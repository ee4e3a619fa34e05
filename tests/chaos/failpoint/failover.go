package failpoint

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/harness"
	"pipelinedht/tests/register"
	"pipelinedht/tests/request"
)

const (
	// servedWithin is how long the partitions of a node that is gone may go without
	// an answer: a violation, though what is promised is seconds, which are
	// reported and not asserted on a machine that is shared.
	servedWithin = 60 * time.Second
	// probeAgain is the pause after a probe that failed.
	probeAgain = 20 * time.Millisecond
	// probeClient is the number of the first client that a probe stands for.
	probeClient = 1_000_000
)

// Failover is how long it took until others answered for the partitions that a
// node led when the fault came upon it.
type Failover struct {
	Partitions int
	Median     time.Duration // of the partitions
	Last       time.Duration // until all were answered
	Failed     int           // answers other than success, through nodes without a fault
}

// watch is a measurement under way: one probe for each partition, repeated until
// it is answered.
type watch struct {
	scene   *Scene
	led     []int // partitions
	others  []*cluster.Member
	clients []*harness.Client
	running sync.WaitGroup

	mu     sync.Mutex // guards the following
	times  []time.Duration
	failed int
	errs   []error // of probes that were never answered
}

// prepare notes which partitions the victims lead, before a fault comes upon them.
func (s *Scene) prepare(victims ...*cluster.Member) error {
	s.watch = nil
	if !s.Settled {
		return nil
	}
	w := &watch{scene: s, others: s.Cluster.Others(victims...)}
	ring, err := w.others[0].Ring()
	if err != nil {
		return fmt.Errorf("who leads what: %w", err)
	}
	var ids []string
	for _, p := range ring.Peers {
		if slices.ContainsFunc(victims, func(m *cluster.Member) bool { return m.Name == p.Name }) {
			ids = append(ids, p.ID)
		}
	}
	for p, row := range ring.Table {
		if slices.Contains(ids, row.Primary) {
			w.led = append(w.led, p)
		}
	}
	for _, m := range w.others {
		w.clients = append(w.clients, m.NewClient())
	}
	s.watch = w
	return nil
}

// begin sends the probes: the fault is there.
func (s *Scene) begin() {
	w := s.watch
	if w == nil {
		return
	}
	begun := time.Now()
	keys := probeKeys(s.Cluster.Partitions)
	for _, p := range w.led {
		rng := rand.New(rand.NewPCG(s.Rng.Uint64(), uint64(p)))
		w.running.Go(func() { w.probe(rng, p, keys[p], begun) })
	}
}

// probe reads or writes a key of the partition until it is answered.
func (w *watch) probe(rng *rand.Rand, p int, key string, begun time.Time) {
	for attempt := 0; ; attempt++ {
		in := register.Input{Kind: register.Read, Key: key}
		if p%2 == 0 {
			in.Kind, in.Value = register.Write, fmt.Sprintf("%d of %d", attempt, begun.UnixNano())
		}
		called := w.scene.History.Now()
		a, err := request.Send(w.clients[rng.IntN(len(w.clients))], in)
		out, verdict, err := request.Judge(in, a, err)
		if verdict != request.Failed {
			w.scene.History.Record(probeClient+p, in, out, called)
		}
		took := time.Since(begun)
		w.mu.Lock()
		switch {
		case verdict == request.Done:
			w.times = append(w.times, took)
		case took > servedWithin:
			w.errs = append(w.errs, fmt.Errorf("partition %d: %w", p, err))
		default:
			if w.failed++; w.failed == 1 {
				w.scene.Log("a probe of partition %d failed after %v: %v", p, took.Round(time.Millisecond), err)
			}
		}
		w.mu.Unlock()
		if verdict == request.Done || took > servedWithin {
			return
		}
		<-time.After(probeAgain)
	}
}

// served waits until all probes are answered, and notes how long that took.
func (s *Scene) served() error {
	w := s.watch
	if w == nil {
		return nil
	}
	w.running.Wait()
	for _, c := range w.clients {
		c.Close()
	}
	if len(w.errs) > 0 {
		return fmt.Errorf("%d of %d partitions are not served %v after their primary has gone, such as: %w",
			len(w.errs), len(w.led), servedWithin, errors.Join(w.errs[:min(3, len(w.errs))]...))
	}
	if len(w.times) == 0 {
		return nil
	}
	slices.Sort(w.times)
	s.Failover = &Failover{
		Partitions: len(w.times), Failed: w.failed,
		Median: w.times[len(w.times)/2], Last: w.times[len(w.times)-1],
	}
	return nil
}

// probeKeys returns a key for each partition.
func probeKeys(partitions int) []string {
	keys := make([]string, partitions)
	for n, missing := 0, partitions; missing > 0; n++ {
		key := fmt.Sprintf("probe-%05d", n)
		if p := xxhash.Sum64String(key) % uint64(partitions); keys[p] == "" {
			keys[p] = key
			missing--
		}
	}
	return keys
}
