package host

import (
	"time"

	"pipelinedht/partition/replica"
)

// step has the core take in one input, and does what it wants done. False: the
// Host has ended and nothing happened.
//
// The clock is read under the lock, so that the core never sees it go back.
func (h *Host) step(input func(core *replica.Node, now time.Duration)) bool {
	h.mu.Lock()
	if h.mu.ended != nil {
		h.mu.Unlock()
		return false
	}
	input(h.mu.core, h.cfg.Clock())
	h.release()
	return true
}

// release takes from the core what is to be done at once, unlocks mu, and does it
// or hands it to the goroutine that does. The queues are filled under the lock, so
// they have the core's order.
func (h *Host) release() {
	r := h.mu.core.Ready()
	done := h.settle(r.Answers)
	h.mu.core.RecycleAnswers(r.Answers)
	if len(r.Control) > 0 {
		h.control.push(r.Control...)
	}
	if len(r.Jobs) > 0 {
		h.jobs.submit(r.Jobs)
	}
	if len(r.Changes) > 0 {
		h.changes.push(r.Changes)
	}
	batch := h.mu.core.HasBatch()
	rouse := h.resting.Load() && (batch || h.mu.core.Busy())
	if rouse {
		h.resting.Store(false)
	}
	h.mu.Unlock()
	if rouse {
		select {
		case h.roused <- struct{}{}:
		default:
		}
	}
	if batch {
		select {
		case h.wake <- struct{}{}:
		default:
		}
	}
	h.deliver(done)
}
