package host_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"pipelinedht/partition"
)

// load is clients that read and write a few keys through all nodes that are there,
// and what they saw.
type load struct {
	w    *world
	stop chan struct{}
	wg   sync.WaitGroup
	born time.Time

	mu      sync.Mutex
	ops     []porcupine.Operation
	done    int
	unknown int
	failed  []error // operations that surely did nothing
}

const (
	loadKeys    = 12
	loadClients = 6
)

type kind uint8

const (
	get kind = iota
	put
	del
)

// step is one operation of a client on a register: the value "" stands for none.
type step struct {
	key   string
	kind  kind
	value string
}

// startLoad begins to read and write through the nodes that w has at each moment.
func (w *world) startLoad(seed uint64) *load {
	l := &load{w: w, stop: make(chan struct{}), born: time.Now()}
	for c := range loadClients {
		r := rand.New(rand.NewPCG(seed, uint64(c)))
		l.wg.Go(func() { l.client(c, r) })
	}
	return l
}

func (l *load) client(c int, r *rand.Rand) {
	for i := 0; ; i++ {
		select {
		case <-l.stop:
			return
		default:
		}
		s := step{key: fmt.Sprint("key", r.IntN(loadKeys))}
		switch n := r.IntN(10); {
		case n < 5:
			s.kind, s.value = put, fmt.Sprintf("%d.%d", c, i)
		case n < 6:
			s.kind = del
		}
		if h := l.w.pick(r); h != nil {
			l.record(c, s, l.run(h, s))
		}
		time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
	}
}

// observed is how an operation ended.
type observed struct {
	call, ret time.Time
	value     string // of a get
	existed   bool   // of a del
	err       error
}

func (l *load) run(n *node, s step) (o observed) {
	ctx := context.Background()
	o.call = time.Now()
	switch s.kind {
	case get:
		res, err := n.Get(ctx, []byte(s.key))
		o.value, o.err = string(res.Record.Value), err
		res.Close()
	case put:
		_, _, o.err = n.Write(ctx, partition.Op{Kind: partition.OpPut, Key: []byte(s.key), Value: []byte(s.value)})
	case del:
		var out partition.Outcome
		out, _, o.err = n.Write(ctx, partition.Op{Kind: partition.OpDelete, Key: []byte(s.key)})
		o.existed = out.Existed
	}
	o.ret = time.Now()
	return o
}

func (l *load) record(c int, s step, o observed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ret := int64(o.ret.Sub(l.born))
	switch {
	case o.err == nil:
		l.done++
	case errors.Is(o.err, partition.ErrUnknown):
		l.unknown++
		ret = math.MaxInt64
	default:
		l.failed = append(l.failed, fmt.Errorf("%v after %v: %w", s, o.ret.Sub(o.call), o.err))
		return
	}
	l.ops = append(l.ops, porcupine.Operation{
		ClientId: c, Input: s, Output: o, Call: int64(o.call.Sub(l.born)), Return: ret,
	})
}

// register is the model of one key.
var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := make(map[string][]porcupine.Operation)
		for _, op := range history {
			key := op.Input.(step).key
			byKey[key] = append(byKey[key], op)
		}
		var parts [][]porcupine.Operation
		for _, ops := range byKey {
			parts = append(parts, ops)
		}
		return parts
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		s, o := input.(step), output.(observed)
		switch s.kind {
		case put:
			return true, s.value
		case del:
			return o.err != nil || o.existed == (state != ""), ""
		}
		return o.value == state, state
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%v -> %v", input, output) },
}

// finish stops the load and judges what it saw.
func (l *load) finish() {
	t := l.w.t
	t.Helper()
	close(l.stop)
	l.wg.Wait()
	t.Logf("%d operations, %d unknown, %d not done", l.done, l.unknown, len(l.failed))
	if l.done == 0 {
		t.Error("no operation succeeded")
	}
	if !porcupine.CheckOperations(register, l.ops) {
		t.Error("the history is not linearizable")
	}
}

// finishUnfailed is finish where nothing happened that an operation may fail for.
func (l *load) finishUnfailed() {
	l.w.t.Helper()
	l.finish()
	for i, err := range l.failed {
		if i == 5 {
			break
		}
		l.w.t.Errorf("operation failed: %v", err)
	}
	if l.unknown > 0 {
		l.w.t.Errorf("%d operations have no known outcome", l.unknown)
	}
}
