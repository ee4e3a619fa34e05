package node

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"pipelinedht/partition"
)

// workload is clients that read and write registers through all nodes of one
// cluster, those that are just coming or going among them, and what they saw.
type workload struct {
	c    *cluster
	main partition.ClusterID
	seed uint64
	stop chan struct{}
	wg   sync.WaitGroup
	born time.Time

	mu     sync.Mutex
	nodes  []string // that the clients use
	ops    []porcupine.Operation
	failed []error // operations that surely did nothing
}

const (
	workClients = 6
	workKeys    = 6
	// workWindow is how long a key is in use: operations whose outcome is unknown
	// stay open in its history for ever.
	workWindow = 2 * time.Minute
	// workPause is the longest pause between the operations of a client.
	workPause = 100 * time.Millisecond
)

type kind uint8

const (
	get kind = iota
	put
	create // put, if absent
	del
)

// step is one operation on a register: the value "" stands for none.
type step struct {
	kind       kind
	key, value string
}

// seen is what came of a step.
type seen struct {
	value   string // get
	failed  bool   // create: there was a value
	existed bool   // del
	err     error
}

// startWorkload begins to use the nodes, which are those of one cluster.
func startWorkload(c *cluster, seed uint64, nodes ...string) *workload {
	w := &workload{
		c:     c,
		main:  c.nodes[nodes[0]].life().record.Cluster,
		seed:  seed,
		stop:  make(chan struct{}),
		born:  time.Now(),
		nodes: nodes,
	}
	for i := range workClients {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		w.wg.Go(func() { w.client(i, r) })
	}
	return w
}

// use sets the nodes that the clients use from now on.
func (w *workload) use(nodes []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes = append([]string(nil), nodes...)
}

func (w *workload) pick(r *rand.Rand) *Node {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.c.node(w.nodes[r.IntN(len(w.nodes))])
}

func (w *workload) client(id int, r *rand.Rand) {
	for i := 0; ; i++ {
		select {
		case <-w.stop:
			return
		case <-time.After(time.Duration(r.Int64N(int64(workPause)))):
		}
		s := step{key: w.key(r)}
		switch n := r.IntN(10); {
		case n < 4:
			s.kind, s.value = put, fmt.Sprintf("%d.%d", id, i)
		case n < 5:
			s.kind, s.value = create, fmt.Sprintf("%d.%d", id, i)
		case n < 6:
			s.kind = del
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

// one carries a step out through n and takes it down.
func (w *workload) one(id int, n *Node, s step) {
	life := n.life()
	call := time.Since(w.born)
	o := carryOut(n, s)
	ret := time.Since(w.born)
	away := n.life() != life || life.record.Cluster != w.main
	op, ok := told(id, s, o, call, ret, away)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case ok:
		w.ops = append(w.ops, op)
	case o.err != nil && !errors.Is(o.err, partition.ErrUnknown):
		w.failed = append(w.failed, fmt.Errorf("%v at %v through %s: %w", s, call, n.cfg.Name, o.err))
	}
}

// told returns the step as the history of the registers has it; ok is false
// where it tells nothing of them. What a node that was away did in another cluster
// is no part of them. But its writes may come along with it later, as the latest
// ones: they stay open, and their conditions were on other registers.
func told(id int, s step, o seen, call, ret time.Duration, away bool) (op porcupine.Operation, ok bool) {
	op = porcupine.Operation{ClientId: id, Call: int64(call), Return: int64(ret)}
	switch unknown := errors.Is(o.err, partition.ErrUnknown); {
	case o.err != nil && !unknown, s.kind == get && (unknown || away), away && o.failed:
		return op, false
	case away && s.kind == create:
		s.kind = put
		fallthrough
	case away, unknown:
		o, op.Return = seen{err: partition.ErrUnknown}, math.MaxInt64
	}
	op.Input, op.Output = s, o
	return op, true
}

func carryOut(n *Node, s step) (o seen) {
	ctx := context.Background()
	op := partition.Op{Kind: partition.OpPut, Key: []byte(s.key), Value: []byte(s.value)}
	switch s.kind {
	case get:
		r, err := table{n}.Get(ctx, []byte(s.key))
		o.value, o.err = string(r.Record.Value), err
		r.Close()
		return o
	case create:
		op.Condition.IfAbsent = true
	case del:
		op.Kind, op.Value = partition.OpDelete, nil
	}
	out, _, err := table{n}.Write(ctx, op)
	return seen{failed: out.Failed, existed: out.Existed, err: err}
}

// end stops the clients and checks that what they saw is linearizable.
func (w *workload) end() {
	w.c.t.Helper()
	close(w.stop)
	w.wg.Wait()
	open := 0
	for _, op := range w.ops {
		if op.Return == math.MaxInt64 {
			open++
		}
	}
	w.c.t.Logf("%d operations, %d of them left open, %d failed", len(w.ops), open, len(w.failed))
	for key, ops := range byKey(w.ops) {
		if porcupine.CheckOperationsTimeout(register, ops, time.Minute) == porcupine.Illegal {
			w.c.t.Errorf("the history of %s is not linearizable", key)
			for _, op := range ops {
				w.c.t.Logf("client %d: %v to %v: %v: %+v", op.ClientId, time.Duration(op.Call), time.Duration(op.Return), op.Input, op.Output)
			}
		}
	}
}

func byKey(history []porcupine.Operation) map[string][]porcupine.Operation {
	parts := make(map[string][]porcupine.Operation)
	for _, op := range history {
		key := op.Input.(step).key
		parts[key] = append(parts[key], op)
	}
	return parts
}

// register is the model of one key.
var register = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		s, o := input.(step), output.(seen)
		switch {
		case s.kind == get:
			return o.value == state, state
		case s.kind == put:
			return true, s.value
		case s.kind == del:
			return o.err != nil || o.existed == (state != ""), ""
		case state != "":
			return o.err != nil || o.failed, state
		}
		return o.err != nil || !o.failed, s.value
	},
}

func TestTheHistoryTellsWritesApartThatCameAlong(t *testing.T) {
	type one struct {
		s    step
		o    seen
		away bool
	}
	unknown := seen{err: partition.ErrUnknown}
	first := one{s: step{kind: put, value: "1"}}
	for _, test := range []struct {
		name string
		ops  []one
		want bool
	}{
		{"a value nobody wrote", []one{first, {s: step{kind: get}, o: seen{value: "2"}}}, false},
		{"a create over a value", []one{first, {s: step{kind: create, value: "2"}}, {s: step{kind: get}, o: seen{value: "2"}}}, false},
		{"an unknown create over a value", []one{first, {s: step{kind: create, value: "2"}, o: unknown}, {s: step{kind: get}, o: seen{value: "2"}}}, false},
		{"a create elsewhere that came along", []one{first, {s: step{kind: create, value: "2"}, away: true}, {s: step{kind: get}, o: seen{value: "2"}}}, true},
		{"an unknown create elsewhere that came along", []one{first, {s: step{kind: create, value: "2"}, o: unknown, away: true}, {s: step{kind: get}, o: seen{value: "2"}}}, true},
		{"a create elsewhere that failed", []one{first, {s: step{kind: create, value: "2"}, o: seen{failed: true}, away: true}, {s: step{kind: get}, o: seen{value: "2"}}}, false},
		{"a create elsewhere that did not come along", []one{first, {s: step{kind: create, value: "2"}, away: true}, {s: step{kind: get}, o: seen{value: "1"}}}, true},
		{"a read elsewhere", []one{first, {s: step{kind: get}, o: seen{value: "2"}, away: true}}, true},
		{"a delete elsewhere that came along", []one{first, {s: step{kind: del}, away: true}, {s: step{kind: get}}}, true},
		{"a write elsewhere that came and went", []one{first, {s: step{kind: put, value: "2"}, away: true},
			{s: step{kind: get}, o: seen{value: "2"}}, {s: step{kind: get}, o: seen{value: "1"}}}, false},
	} {
		var history []porcupine.Operation
		for i, op := range test.ops {
			at := time.Duration(2 * i)
			if op, ok := told(i, op.s, op.o, at, at+1, op.away); ok {
				history = append(history, op)
			}
		}
		if got := porcupine.CheckOperations(register, history); got != test.want {
			t.Errorf("%s: got linearizable %v, want %v", test.name, got, test.want)
		}
	}
}
