package linearizability_test

import (
	"maps"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// history records operations. Safe for concurrent use.
type history struct {
	begun time.Time

	mu     sync.Mutex
	byKey  map[string][]porcupine.Operation
	faults []string // requests that failed though nothing failed on purpose
}

func newHistory() *history {
	return &history{begun: time.Now(), byKey: make(map[string][]porcupine.Operation)}
}

// now is the time of a call or an answer, in nanoseconds.
func (h *history) now() int64 { return int64(time.Since(h.begun)) }

// record adds an operation that was called at a time of now. One of unknown
// outcome returns at infinity: it may take effect at any time, or never. A read
// of which nothing is known says nothing and is not recorded.
func (h *history) record(client int, in input, out output, called int64) {
	if out.unknown && in.kind == read {
		return
	}
	returned := h.now()
	if out.unknown {
		returned = math.MaxInt64
	}
	op := porcupine.Operation{ClientId: client, Input: in, Output: out, Call: called, Return: returned}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.byKey[in.key] = append(h.byKey[in.key], op)
}

func (h *history) fault(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, text)
}

// size returns the number of operations.
func (h *history) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, ops := range h.byKey {
		n += len(ops)
	}
	return n
}

// longest returns how long the slowest of the answered operations took.
func (h *history) longest() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	var most int64
	for _, ops := range h.byKey {
		for _, op := range ops {
			if op.Return != math.MaxInt64 {
				most = max(most, op.Return-op.Call)
			}
		}
	}
	return time.Duration(most)
}

// checkWithin bounds the check of one key; it takes milliseconds unless the
// history is wrong or full of unknown outcomes.
const checkWithin = 60 * time.Second

// check fails the test for every key whose history is not that of a register,
// and draws it into dir.
func (h *history) check(t *testing.T, dir func() string) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(h.byKey)) {
		result, info := porcupine.CheckOperationsVerbose(model, h.byKey[key], checkWithin)
		if result == porcupine.Ok {
			continue
		}
		path := dir() + "/" + key + ".html"
		must(t, porcupine.VisualizePath(model, info, path))
		t.Errorf("%s: %d operations: got %s, want linearizable; drawn in %s", key, len(h.byKey[key]), result, path)
	}
}
