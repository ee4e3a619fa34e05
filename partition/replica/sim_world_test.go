package replica

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"pipelinedht/partition"
)

// A world is a cluster of cores under a seeded scheduler: its network drops,
// doubles, delays and reorders, its nodes crash, pause and have clocks of their
// own, its disks are slow, and its Raft loses, delays and repeats proposals. The
// same seed gives the same history.
type world struct {
	rng    *rand.Rand
	seed   uint64
	now    time.Duration // true time
	events eventQueue
	seq    int

	nodes      []*simNode
	law        *authority
	calm       bool // faults are over
	quiet      bool // clients begin nothing any more
	quietUntil time.Duration
	broken     int // counts breakConnections: what was on its way before is lost
	cuts       map[[2]partition.NodeID]bool
	lines      map[line]time.Duration // when the last message on it arrives
	faulty     faults

	truth   *truth
	clients []*simClient
	nextOp  uint64
	trace   []string
	steps   int
}

// line is a connection between two nodes.
type line struct {
	from, to partition.NodeID
	lane     Lane
}

// faults are the probabilities of one history.
type faults struct {
	drop, duplicate, slow float64 // a message
	late                  float64 // an acknowledgement, once more, seconds later
	lost                  float64 // a proposal
	stall                 float64 // a batch takes long
	disturb               time.Duration
}

type event struct {
	at  time.Duration
	seq int
	fn  func()
}

type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *eventQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

const (
	simPartitions = 2
	simReplicas   = 3
	simKeys       = 3 // per partition
)

func newWorld(seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	w := &world{rng: rng, seed: seed, cuts: map[[2]partition.NodeID]bool{}, lines: map[line]time.Duration{}, truth: newTruth()}
	if rng.Float64() < 0.8 {
		w.faulty = faults{
			drop: rng.Float64() * 0.1, duplicate: rng.Float64() * 0.1, slow: rng.Float64() * 0.2,
			late: rng.Float64() * 0.2,
			lost: rng.Float64() * 0.4, stall: rng.Float64() * 0.03,
		}
	}
	w.faulty.disturb = time.Duration(100+rng.IntN(1500)) * time.Millisecond
	count := 3 + rng.IntN(3)
	ids := make([]partition.NodeID, count)
	for i := range ids {
		ids[i] = partition.NodeID(i + 1)
	}
	w.law = newAuthority(rng, ids)
	w.law.w = w
	for _, id := range ids {
		n := &simNode{w: w, id: id, disk: map[partition.ID]*diskCopy{}}
		n.offset = time.Duration(rng.IntN(3600)) * time.Second
		n.rate = 1 + (rng.Float64()-0.5)*0.04
		w.nodes = append(w.nodes, n)
	}
	for _, n := range w.nodes {
		n.start()
	}
	for i := range 2 + rng.IntN(3) {
		c := &simClient{w: w, id: i}
		w.clients = append(w.clients, c)
		w.after(time.Duration(rng.IntN(500))*time.Millisecond, c.next)
	}
	w.after(w.faulty.disturb, w.disturb)
	return w
}

func (w *world) after(d time.Duration, fn func()) {
	w.seq++
	heap.Push(&w.events, event{at: w.now + d, seq: w.seq, fn: fn})
}

func (w *world) logf(format string, args ...any) {
	if len(w.trace) > 4000 {
		w.trace = w.trace[2000:]
	}
	w.trace = append(w.trace, fmt.Sprintf("%9.3fs ", w.now.Seconds())+fmt.Sprintf(format, args...))
}

// run plays the history: faults for a while, then calm until all is settled.
func (w *world) run(faultTime, calmTime time.Duration) error {
	if err := w.runUntil(faultTime); err != nil {
		return err
	}
	w.calm = true
	clear(w.cuts)
	for _, n := range w.nodes {
		if n.core != nil && n.core.stopping {
			n.crash()
		}
		n.input(func(now time.Duration) { n.core.SetFull(false, now) })
		if n.core == nil && !n.dead {
			n.start()
		}
		n.pausedUntil = 0
	}
	if err := w.runUntil(faultTime + calmTime - simQuiet); err != nil {
		return err
	}
	w.quiet = true
	w.breakConnections()
	if err := w.runUntil(faultTime + calmTime); err != nil {
		return err
	}
	return w.checkEnd()
}

func (w *world) runUntil(t time.Duration) error {
	for len(w.events) > 0 && w.events[0].at <= t {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		w.step(e.fn)
		w.steps++
		if w.truth.err == nil {
			w.check()
		}
		if w.truth.err != nil {
			return w.truth.err
		}
	}
	w.now = t
	return nil
}

// step runs one event; a panic is a failure of the history.
func (w *world) step(fn func()) {
	defer func() {
		if r := recover(); r != nil {
			w.truth.fail("panic: %v\n%s", r, debug.Stack())
		}
	}()
	fn()
}

func (w *world) node(id partition.NodeID) *simNode {
	for _, n := range w.nodes {
		if n.id == id {
			return n
		}
	}
	return nil
}

// disturb does one act of fate and comes again.
func (w *world) disturb() {
	if w.calm {
		return
	}
	if w.rng.IntN(4) == 0 {
		w.pause()
	}
	w.after(time.Duration(float64(w.faulty.disturb)*(0.3+w.rng.ExpFloat64())), w.disturb)
	n := w.nodes[w.rng.IntN(len(w.nodes))]
	switch w.rng.IntN(15) {
	case 14:
		w.fill(n)
	case 13:
		w.rot(n)
	case 10, 11:
		w.isolate(n)
	case 0, 1:
		n.crash()
	case 12:
		n.stop(time.Duration(w.rng.IntN(3000)) * time.Millisecond)
	case 2:
		d := time.Duration(w.rng.IntN(3000)) * time.Millisecond
		w.logf("node %d paused for %v", n.id, d)
		n.pausedUntil = w.now + d
	case 3, 4:
		m := w.nodes[w.rng.IntN(len(w.nodes))]
		pair := [2]partition.NodeID{n.id, m.id}
		w.logf("cut %v", pair)
		w.cuts[pair] = true
		oneWay := w.rng.IntN(2) == 0
		if !oneWay {
			w.cuts[[2]partition.NodeID{m.id, n.id}] = true
		}
		w.after(time.Duration(w.rng.IntN(4000))*time.Millisecond, func() {
			delete(w.cuts, pair)
			delete(w.cuts, [2]partition.NodeID{m.id, n.id})
		})
	case 5:
		d := time.Duration(w.rng.IntN(3000)) * time.Millisecond
		w.logf("node %d cut off from Raft for %v", n.id, d)
		n.raftCutUntil = w.now + d
	case 6:
		w.logf("raft halts")
		w.law.haltedUntil = w.now + time.Duration(w.rng.IntN(2500))*time.Millisecond
	case 7:
		w.law.moveTargets(w)
	case 8:
		w.law.toggleImport()
	case 9:
		if n.core != nil {
			peer := w.nodes[w.rng.IntN(len(w.nodes))].id
			n.input(func(now time.Duration) { n.core.Lost(peer, now) })
		}
	}
}

// fill has a node's disk be nearly full for a while.
func (w *world) fill(n *simNode) {
	if n.core == nil {
		return
	}
	d, life := time.Duration(w.rng.IntN(5000))*time.Millisecond, n.life
	w.logf("node %d is full for %v", n.id, d)
	n.input(func(now time.Duration) { n.core.SetFull(true, now) })
	w.after(d, func() {
		if n.life == life {
			n.input(func(now time.Duration) { n.core.SetFull(false, now) })
		}
	})
}

// pause keeps the clients from beginning anything for a while: what is left open
// then is closed by nobody's next write.
func (w *world) pause() {
	w.quietUntil = w.now + time.Duration(w.rng.IntN(3000))*time.Millisecond
}

// breakConnections loses everything that is on its way, and tells the nodes.
func (w *world) breakConnections() {
	w.broken++
	for _, n := range w.nodes {
		for _, m := range w.nodes {
			n.input(func(now time.Duration) { n.core.Lost(m.id, now) })
		}
	}
}

// isolate cuts a node off from all others for a while; Raft goes on everywhere.
func (w *world) isolate(n *simNode) {
	d := time.Duration(1500+w.rng.IntN(2500)) * time.Millisecond
	w.logf("node %d isolated for %v", n.id, d)
	for _, m := range w.nodes {
		for _, pair := range [][2]partition.NodeID{{n.id, m.id}, {m.id, n.id}} {
			w.cuts[pair] = true
			w.after(d, func() { delete(w.cuts, pair) })
		}
	}
}

// transmit carries a message, or does not. One about several partitions sometimes
// comes apart, so that faults meet them one by one.
func (w *world) transmit(from *simNode, out Outbound) {
	if w.calm || w.rng.IntN(3) > 0 {
		w.carry(from, out)
		return
	}
	for _, m := range pieces(out.Message) {
		w.carry(from, Outbound{out.To, out.Lane, m})
	}
}

// pieces takes a message about several partitions apart.
func pieces(m Message) (single []Message) {
	switch m := m.(type) {
	case *Append:
		for _, r := range m.Runs {
			single = append(single, &Append{Runs: []Run{r}})
		}
	case *Ack:
		for _, d := range m.Copies {
			single = append(single, &Ack{Copies: []Durable{d}})
		}
	default:
		single = append(single, m)
	}
	return single
}

// carry carries a whole message, or does not.
func (w *world) carry(from *simNode, out Outbound) {
	to := w.node(out.To)
	inc, life, before := from.inc, to.life, w.broken
	wire := AppendMessage(nil, out.Message)
	if w.cuts[[2]partition.NodeID{from.id, out.To}] || !w.calm && w.rng.Float64() < w.faulty.drop {
		return
	}
	delay := time.Duration(50+w.rng.IntN(3000)) * time.Microsecond
	if !w.calm && w.rng.Float64() < w.faulty.slow {
		delay += time.Duration(w.rng.IntN(2000)) * time.Millisecond
	}
	if w.calm { // a connection keeps order
		line := line{from.id, out.To, out.Lane}
		arrives := max(w.now+delay, w.lines[line]+1)
		w.lines[line], delay = arrives, arrives-w.now
	}
	deliver := func() {
		if to.life != life || w.broken != before {
			return // a connection ends with the process, or by itself
		}
		m, err := DecodeMessage(slices.Clone(wire))
		if err != nil {
			w.truth.fail("message %T did not survive the wire: %v", out.Message, err)
			return
		}
		to.whenAwake(func() {
			to.input(func(now time.Duration) { to.core.Receive(from.id, inc, m, now) })
		})
	}
	w.after(delay, deliver)
	if _, ok := out.Message.(*Ack); ok && !w.calm && w.rng.Float64() < w.faulty.late {
		w.after(delay+time.Duration(w.rng.IntN(8000))*time.Millisecond, deliver)
	}
	if !w.calm && w.rng.Float64() < w.faulty.duplicate {
		w.after(delay+time.Duration(w.rng.IntN(1500))*time.Millisecond, deliver)
	}
}
