package host

import (
	"errors"
	"fmt"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// waiter is an operation that the core has accepted and will answer. It is in
// Host.mu.waiting, under its ticket, from then until the answer, even if its
// caller has gone: so its bytes count as long as the core may hold them.
type waiter struct {
	to     caller
	done   chan struct{}  // of capacity 1; for this node's router; never closed
	answer replica.Answer // stands when done is sent on
	next   *waiter        // behind this one in a list of those to be told

	ticket replica.Ticket
	part   *part
	size   int64
	write  bool
	left   bool // nobody waits for the answer any more; guarded by Host.mu
}

// readSize is what a waiting read counts for besides its key.
const readSize = 128

// opSize returns what a write counts for in all Limits.
func opSize(op *partition.Op) int64 { return int64(len(op.Key) + len(op.Value) + readSize) }

// admitLocked says whether an operation of that size may be accepted now.
func (h *Host) admitLocked(p *part, size int64) error {
	switch {
	case h.mu.ended != nil:
		return h.mu.ended
	case p.bytes > 0 && p.bytes+size > h.cfg.Limits.PartitionBytes:
		return errPartitionFull
	case h.mu.bytes > 0 && h.mu.bytes+size > h.cfg.Limits.NodeBytes:
		return errNodeFull
	}
	return nil
}

var (
	errPartitionFull = fmt.Errorf("%w: too many bytes of writes wait in the key's partition", partition.ErrUnavailable)
	errNodeFull      = fmt.Errorf("%w: too many bytes of writes wait at the primary", partition.ErrUnavailable)
)

// newWaiter returns a waiter.
func (h *Host) newWaiter(p *part, size int64, write bool, to caller) *waiter {
	w := h.waiters.Get().(*waiter)
	w.part, w.size, w.write, w.to = p, size, write, to
	return w
}

// recycle takes back a waiter that is neither in Host.mu.waiting nor has an answer
// to come. One that was left is not: two may still look at it.
func (h *Host) recycle(w *waiter) {
	*w = waiter{done: w.done}
	h.waiters.Put(w)
}

// enrolLocked has w wait for the answer to its ticket.
func (h *Host) enrolLocked(w *waiter) {
	h.mu.waiting[w.ticket] = w
	w.part.bytes += w.size
	h.mu.bytes += w.size
}

// settle gives the answers to those who wait for them, and returns these as a list,
// to be told. Host.mu is held.
func (h *Host) settle(answers []replica.Answer) (first *waiter) {
	last := &first
	for i := range answers {
		w := h.mu.waiting[answers[i].Ticket]
		if w == nil {
			continue
		}
		delete(h.mu.waiting, w.ticket)
		w.part.bytes -= w.size
		h.mu.bytes -= w.size
		if !w.left {
			w.answer = answers[i]
			*last, last = w, &w.next
		}
	}
	return first
}

// deliver tells a list of waiters that they have their answers. Host.mu is not held.
func (h *Host) deliver(first *waiter) {
	for w := first; w != nil; {
		next := w.next
		if w.to.reply == nil {
			w.done <- struct{}{} // the one who receives it recycles w
		} else {
			h.replyAnswer(w.to, w.write, &w.answer)
			h.recycle(w)
		}
		w = next
	}
}

// await waits for the answer to w, of this node's router; false if its caller's
// context, or its limit, ended first: within one tick, so that the usual wait is for
// one channel and no more.
func (h *Host) await(w *waiter) (replica.Answer, bool) {
	<-w.done
	a := w.answer
	if a.Err == errExpired {
		return a, false
	}
	h.recycle(w)
	return a, true
}

// errExpired ends a wait; the waiter stays with the core.
var errExpired = errors.New("waited for too long")

// expired reports whether w waits no longer than up to now.
func (w *waiter) expired(now uint64) bool {
	return w.to.limit != 0 && now >= w.to.limit || w.to.client != nil && w.to.client.Err() != nil
}

// expire ends the waits that are over their limit, and those of clients that have
// gone. It is called once a tick.
func (h *Host) expire(now uint64) {
	var late *waiter
	h.mu.Lock()
	for _, w := range h.mu.waiting {
		if w.left || !w.expired(now) {
			continue
		}
		w.left = true // the real answer is for nobody
		switch {
		case w.to.reply == nil:
			w.answer.Err = errExpired
			w.done <- struct{}{} // has room
			continue
		case w.write:
			w.answer.Err = partition.ErrUnknown
		default:
			w.answer.Err = partition.ErrUnavailable
		}
		w.next, late = late, w
	}
	h.mu.Unlock()
	for w := late; w != nil; w = w.next {
		h.replyAnswer(w.to, w.write, &w.answer)
	}
}
