package node

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"pipelinedht/partition"
	"pipelinedht/tests/register"
)

// workload is clients that read and write registers through all nodes of one
// cluster, those that are just coming or going among them, and what they saw; and
// one that writes keys only once, which have to be there in the end.
type workload struct {
	c     *cluster
	main  partition.ClusterID
	pause time.Duration // the longest between two operations of a client
	stop  chan struct{}
	wg    sync.WaitGroup
	born  time.Time
	// history is judged when the bubble has ended: the judge's patience is of real time.
	history *register.History

	mu     sync.Mutex
	nodes  []string            // that the clients use
	failed []error             // operations that surely did nothing
	latest map[string]sighting // what was last seen of a key
	once   []string            // keys that were acknowledged, and are their own values
}

const (
	workClients = 6
	workKeys    = 6
	// workWindow is how long a key is in use: operations whose outcome is unknown
	// stay open in its history for ever.
	workWindow = 2 * time.Minute
	// workPause is a pause for tests of a few minutes.
	workPause = 100 * time.Millisecond
	// oncePause is the longest pause between keys that are written only once.
	oncePause = 2 * time.Second
)

// startWorkload begins to use the nodes, which are those of one cluster.
func startWorkload(c *cluster, seed uint64, pause time.Duration, nodes ...string) *workload {
	w := &workload{
		c:       c,
		main:    c.nodes[nodes[0]].life().record.Cluster,
		pause:   pause,
		stop:    make(chan struct{}),
		born:    time.Now(),
		history: register.NewHistory(),
		nodes:   nodes,
		latest:  make(map[string]sighting),
	}
	for i := range workClients {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		w.run(func() { w.client(i, r) })
	}
	w.run(func() { w.writeOnce(rand.New(rand.NewPCG(seed, workClients))) })
	return w
}

func (w *workload) run(client func()) {
	w.wg.Add(1)
	w.c.tasks.Go(func() {
		defer w.wg.Done()
		client()
	})
}

// use sets the nodes that the clients use from now on.
func (w *workload) use(nodes []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes = append([]string(nil), nodes...)
}

// pick returns one of the nodes in use; nil if that one does not run, or none is.
func (w *workload) pick(r *rand.Rand) *Node {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.nodes) == 0 {
		return nil
	}
	return w.c.node(w.nodes[r.IntN(len(w.nodes))])
}

// next waits for up to longest, and reports whether to go on.
func (w *workload) next(r *rand.Rand, longest time.Duration) bool {
	select {
	case <-w.stop:
		return false
	case <-w.c.over:
		return false
	case <-time.After(time.Duration(r.Int64N(int64(longest)))):
		return true
	}
}

func (w *workload) client(id int, r *rand.Rand) {
	for i := 0; w.next(r, w.pause); i++ {
		s := step{key: w.key(r), value: fmt.Sprintf("%d.%d", id, i)}
		switch n := r.IntN(20); {
		case n < 6:
			s.kind, s.value = get, ""
		case n < 12:
			s.kind = put
		case n < 14:
			s.kind = create
		case n < 16:
			s.kind, s.value = del, ""
		default:
			s = w.swap(s)
			if n == 16 && s.kind == swap {
				s.value = ""
			}
		}
		if n := w.pick(r); n != nil {
			w.one(id, n, s)
		}
	}
}

// key returns one of the keys that are in use now.
func (w *workload) key(r *rand.Rand) string {
	return fmt.Sprintf("w%d-%d", time.Since(w.born)/workWindow, r.IntN(workKeys))
}

// swap makes s a swap of what was last seen of the key, if anything was.
func (w *workload) swap(s step) step {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.kind, s.expect = swap, w.latest[s.key]
	if s.expect.stamp == 0 {
		s.kind = create
	}
	return s
}

// one carries a step out through n and takes it down.
func (w *workload) one(id int, n *Node, s step) seen {
	life := n.life()
	call := w.history.Now()
	o := carryOut(n, s)
	away := n.life() != life || life.record.Cluster != w.main
	in, out, ok := told(s, o, away)
	if ok {
		w.history.Record(id, in, out, call)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.err != nil && !errors.Is(o.err, partition.ErrUnknown) {
		w.failed = append(w.failed, fmt.Errorf("%v at %v through %s: %w", s, call, n.cfg.Name, o.err))
	}
	if value := s.value + o.value; ok && !away && o.err == nil && !o.failed && value != "" {
		w.latest[s.key] = sighting{value, o.stamp}
	}
	return o
}

// writeOnce writes one key after the other.
func (w *workload) writeOnce(r *rand.Rand) {
	for i := 0; w.next(r, oncePause); i++ {
		n := w.pick(r)
		if n == nil {
			continue
		}
		life := n.life()
		key := fmt.Sprintf("once-%d", i)
		o := carryOut(n, step{kind: put, key: key, value: key})
		if o.err == nil && n.life() == life && life.record.Cluster == w.main {
			w.mu.Lock()
			w.once = append(w.once, key)
			w.mu.Unlock()
		}
	}
}

// end stops the clients. What they saw is judged after the bubble.
func (w *workload) end() {
	w.c.t.Helper()
	close(w.stop)
	w.wg.Wait()
	all, open := w.history.Size()
	w.c.t.Logf("%d operations, %d of them left open, %d failed", all, open, len(w.failed))
	w.c.histories = append(w.c.histories, w.history)
}

// expectOnce checks that all that was written once is there.
func (w *workload) expectOnce(names ...string) {
	w.c.t.Helper()
	for i, key := range w.once {
		w.c.expect(key, key, names[i%len(names)])
	}
}
