package linearizability_test

import (
	"sync"

	"pipelinedht/tests/register"
)

// history is what clients were told. Safe for concurrent use.
type history struct {
	*register.History

	mu     sync.Mutex
	faults []string // requests that failed though nothing failed on purpose
}

func newHistory() *history { return &history{History: register.NewHistory()} }

func (h *history) fault(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, text)
}

// size returns the number of operations.
func (h *history) size() int {
	n, _ := h.Size()
	return n
}
