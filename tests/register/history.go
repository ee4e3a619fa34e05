package register

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// History records operations. Safe for concurrent use.
type History struct {
	begun time.Time

	mu    sync.Mutex
	byKey map[string][]porcupine.Operation
	size  int
	open  int // of unknown outcome
}

// NewHistory begins a history now.
func NewHistory() *History {
	return &History{begun: time.Now(), byKey: make(map[string][]porcupine.Operation)}
}

// Now is the time of a call or an answer, since the history began.
func (h *History) Now() time.Duration { return time.Since(h.begun) }

// Record adds an operation that was called at a time of Now and ends now. One of
// unknown outcome returns at infinity: it may take effect at any time, or never.
// A read of which nothing is known says nothing and is not recorded.
func (h *History) Record(client int, in Input, out Output, called time.Duration) {
	if out.Unknown && in.Kind == Read {
		return
	}
	op := porcupine.Operation{ClientId: client, Input: in, Output: out, Call: int64(called), Return: int64(h.Now())}
	h.mu.Lock()
	defer h.mu.Unlock()
	if out.Unknown {
		op.Return = math.MaxInt64
		h.open++
	}
	h.size++
	h.byKey[in.Key] = append(h.byKey[in.Key], op)
}

// Size returns the number of operations, and how many of them are of unknown
// outcome.
func (h *History) Size() (all, unknown int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.size, h.open
}

// Longest returns how long the slowest of the operations took whose outcome is
// known.
func (h *History) Longest() time.Duration {
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

// Keys returns the keys that were used, sorted.
func (h *History) Keys() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.byKey))
}

// of returns the history of a key so far.
func (h *History) of(key string) []porcupine.Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.byKey[key])
}

// checkWithin bounds the check of one key; it takes milliseconds unless the
// history is wrong or full of unknown outcomes.
const checkWithin = 60 * time.Second

// Fault is a key whose history is not, or not surely, that of a register.
type Fault struct {
	Key     string
	Unsure  bool   // too hard to judge
	Drawing string // of one that is wrong: a file
}

func (f Fault) String() string {
	if f.Unsure {
		return f.Key + ": its history is too hard to judge"
	}
	return fmt.Sprintf("%s: its history is not that of a register; drawn in %s", f.Key, f.Drawing)
}

// Check returns what is wrong, drawn in a directory. No operation may be under way.
func (h *History) Check(dir func() string) ([]Fault, error) {
	var faults []Fault
	for _, key := range h.Keys() {
		ops, err := rank(h.of(key))
		if err != nil {
			return faults, err
		}
		settle(ops)
		switch porcupine.CheckOperationsTimeout(model, ops, checkWithin) {
		case porcupine.Ok:
			continue
		case porcupine.Unknown:
			faults = append(faults, Fault{Key: key, Unsure: true})
			continue
		}
		_, info := porcupine.CheckOperationsVerbose(model, ops, checkWithin)
		f := Fault{Key: key, Drawing: filepath.Join(dir(), key+".html")}
		faults = append(faults, f)
		if err := porcupine.VisualizePath(model, info, f.Drawing); err != nil {
			return faults, err
		}
	}
	return faults, nil
}

// Dump writes every operation as a line of JSON, key by key.
func (h *History) Dump(w io.Writer) error {
	out := json.NewEncoder(w)
	for _, key := range h.Keys() {
		for _, op := range h.of(key) {
			if err := out.Encode(op); err != nil {
				return err
			}
		}
	}
	return nil
}
