package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// caller is who waits for an operation: another node, or this node's own router.
type caller struct {
	reply  func(body []byte) // another node's, to be called exactly once; else nil
	lane   replica.Lane      // that the reply travels on
	client context.Context   // the router's; it waits as long as this runs
	limit  uint64            // the tick up to which it waits; 0: no limit
}

// Call answers what Net.Call brought from another node's Host, now or later; body
// is the Host's from then on. It does not block, a read of the store that is
// expected to be fast aside.
func (h *Host) Call(from partition.NodeID, lane replica.Lane, body []byte, reply func(body []byte)) {
	to := caller{reply: reply, lane: lane, limit: h.clock.limit(h.cfg.Timeout)}
	h.clients.note()
	v := h.view.Load()
	switch {
	case !v.up:
		h.replyError(to, partition.ErrNotPrimary)
	case len(body) > 0 && body[0] == callGet:
		h.serveRead(v, to, body[1:])
	case len(body) > 0 && body[0] == callWrite:
		h.serveWrite(v, to, body[1:])
	case len(body) == 1 && body[0] == callCommits:
		h.serveCommits(to)
	default:
		h.log.Error("malformed call from a peer", "from", from, "bytes", len(body))
		h.replyError(to, errMalformed)
	}
}

var errMalformed = fmt.Errorf("%w: malformed call", partition.ErrUnavailable)

// serveRead answers another node's read of a key.
func (h *Host) serveRead(v *view, to caller, key []byte) {
	p := partition.Of(key, len(v.m.Table))
	if !h.leads(v, p) {
		h.replyError(to, partition.ErrNotPrimary)
		return
	}
	if h.pace.handOff() {
		if !h.handOff(func() { h.answerRead(v, to, p, key) }) {
			h.replyError(to, partition.ErrUnavailable)
		}
		return
	}
	began := time.Now()
	h.answerRead(v, to, p, key)
	h.pace.took(time.Since(began))
}

func (h *Host) answerRead(v *view, to caller, p partition.ID, key []byte) {
	res, w, err := h.readHere(v, p, key, to)
	switch {
	case w != nil: // which will reply
	case err != nil:
		h.replyError(to, err)
	default:
		h.replyRead(to, &res)
	}
}

// serveWrite has another node's operation carried out. Only one that depends on
// what is stored reads the store.
func (h *Host) serveWrite(v *view, to caller, body []byte) {
	op, err := decodeWrite(body)
	if err != nil {
		h.replyError(to, errMalformed)
		return
	}
	if !h.leads(v, partition.Of(op.Key, len(v.m.Table))) {
		h.replyError(to, partition.ErrNotPrimary)
		return
	}
	switch {
	case !op.Looks():
		h.answerWrite(v, to, &op)
	case h.pace.handOff():
		if !h.handOff(func() { h.answerWrite(v, to, &op) }) {
			h.replyError(to, partition.ErrUnavailable)
		}
	default:
		began := time.Now()
		h.answerWrite(v, to, &op)
		h.pace.took(time.Since(began))
	}
}

func (h *Host) answerWrite(v *view, to caller, op *partition.Op) {
	w := h.newWaiter(&v.parts[partition.Of(op.Key, len(v.m.Table))], opSize(op), true, to)
	accepted, out, err := h.propose(v, op, w)
	if !accepted {
		h.recycle(w)
		h.replyOutcome(to, out, err)
	}
}

// serveCommits tells another node where the partitions stand that this one serves.
func (h *Host) serveCommits(to caller) {
	h.mu.Lock()
	m := h.mu.core.Commits()
	h.mu.Unlock()
	buf := h.body()
	*buf = replica.AppendMessage(append((*buf)[:0], replyDone), m)
	to.reply(*buf)
	h.giveBack(buf)
}

// replyRead answers a read, and closes what was read.
func (h *Host) replyRead(to caller, res *partition.Result) {
	buf := h.body()
	if len(res.Record.Value) > smallBytes && to.lane != replica.Bulk {
		*buf = append((*buf)[:0], replyBulk)
	} else {
		*buf = appendRead((*buf)[:0], res.Found, &res.Record)
	}
	res.Close()
	to.reply(*buf)
	h.giveBack(buf)
}

// replyOutcome answers a write.
func (h *Host) replyOutcome(to caller, out partition.Outcome, err error) {
	buf := h.body()
	if err == nil {
		*buf = appendOutcome((*buf)[:0], &out)
	} else {
		*buf = appendError((*buf)[:0], err, out.Commit)
	}
	to.reply(*buf)
	h.giveBack(buf)
}

func (h *Host) replyError(to caller, err error) { h.replyOutcome(to, partition.Outcome{}, err) }

// replyAnswer answers an operation that has waited in the core.
func (h *Host) replyAnswer(to caller, write bool, a *replica.Answer) {
	switch {
	case write && a.Err != nil && !errors.Is(a.Err, partition.ErrUnknown) && !didNothing(a.Err):
		h.replyError(to, fmt.Errorf("%w: %v", partition.ErrUnknown, a.Err))
	case write:
		h.replyOutcome(to, a.Outcome, a.Err)
	case a.Err != nil:
		h.replyError(to, a.Err)
	default:
		res := resultOf(&a.Record)
		h.replyRead(to, &res)
	}
}
