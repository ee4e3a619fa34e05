package host

import (
	"context"
	"errors"
	"fmt"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// waiter is an operation that the core has accepted and will answer. It is in
// Host.mu.waiting, under its ticket, from then until the answer, even if its
// caller has gone: so its bytes count as long as the core may hold them.
type waiter struct {
	to   caller
	done chan replica.Answer // of capacity 1; for this node's router; never closed

	ticket replica.Ticket
	part   *part
	size   int64
	write  bool
	left   bool // nobody waits for the answer any more; guarded by Host.mu
}

// delivery is an answer on its way to who waits for it.
type delivery struct {
	*waiter
	answer replica.Answer
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

// settle finds out who waits for the answers. Host.mu is held.
func (h *Host) settle(answers []replica.Answer) []delivery {
	if len(answers) == 0 {
		return nil
	}
	done := make([]delivery, 0, len(answers))
	for i := range answers {
		w := h.mu.waiting[answers[i].Ticket]
		if w == nil {
			continue
		}
		delete(h.mu.waiting, w.ticket)
		w.part.bytes -= w.size
		h.mu.bytes -= w.size
		if !w.left {
			done = append(done, delivery{w, answers[i]})
		}
	}
	return done
}

// deliver passes an answer on. Host.mu is not held.
func (h *Host) deliver(d *delivery) {
	w := d.waiter
	if w.to.reply == nil {
		w.done <- d.answer // the one who receives it recycles w
		return
	}
	h.replyAnswer(w.to, w.write, &d.answer)
	h.recycle(w)
}

// await waits for the answer to w, of this node's router; false if ctx or w's limit
// ended first.
func (h *Host) await(ctx context.Context, w *waiter) (replica.Answer, bool) {
	select {
	case a := <-w.done:
		if a.Err == errExpired {
			return a, false
		}
		h.recycle(w)
		return a, true
	case <-ctx.Done():
	}
	h.mu.Lock()
	_, waits := h.mu.waiting[w.ticket]
	leave := waits && !w.left
	if leave {
		w.left = true
	}
	h.mu.Unlock()
	if leave {
		return replica.Answer{}, false
	}
	a := <-w.done // it is on its way
	if a.Err == errExpired {
		return a, false
	}
	h.recycle(w)
	return a, true
}

// errExpired ends a wait; the waiter stays with the core.
var errExpired = errors.New("waited for too long")

// expire ends the waits that are over their limit.
func (h *Host) expire(now uint64) {
	var late []delivery
	h.mu.Lock()
	for _, w := range h.mu.waiting {
		switch {
		case w.to.limit == 0 || w.left || now < w.to.limit:
			continue
		case w.to.reply == nil:
			w.done <- replica.Answer{Err: errExpired} // has room: the real answer finds w left
		default:
			a := replica.Answer{Err: partition.ErrUnavailable}
			if w.write {
				a.Err = partition.ErrUnknown
			}
			late = append(late, delivery{w, a})
		}
		w.left = true
	}
	h.mu.Unlock()
	for i := range late {
		h.replyAnswer(late[i].to, late[i].write, &late[i].answer)
	}
}
