package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// maxLooks bounds how often an operation looks at the store because writes of its
// partition overtook it.
const maxLooks = 16

// propose has the core accept an operation as primary. accepted: w, which is
// enrolled then, gets the answer. Otherwise nothing took effect, and out or err is
// the answer.
func (h *Host) propose(v *view, op *partition.Op, w *waiter) (accepted bool, out partition.Outcome, err error) {
	p := partition.Of(op.Key, len(v.m.Table))
	var seen replica.Seen
	for range maxLooks {
		wall := partition.Stamp(h.cfg.Wall().UnixMicro())
		var now time.Duration
		if op.Looks() || h.resting.Load() { // else the core's time is that of the last tick
			now = h.cfg.Clock() // a system call
		}
		h.mu.Lock()
		if err := h.admitLocked(w.part, w.size); err != nil {
			h.mu.Unlock()
			return false, out, err
		}
		h.mu.ticket++
		w.ticket = h.mu.ticket
		accepted, out, err = h.mu.core.Propose(w.ticket, op, seen, now, wall)
		if accepted {
			h.enrolLocked(w)
		}
		look := errors.Is(err, replica.ErrLook)
		if look {
			seen = replica.Seen{Looked: true, At: h.mu.core.Applied(p)}
		}
		h.release()
		if !look {
			return accepted, out, err
		}
		rec, found, closer, err := h.look(v, p, op.Key)
		if err != nil {
			return false, partition.Outcome{}, err
		}
		if closer != nil {
			closer.Close()
		}
		rec.Value = nil
		seen.Found, seen.Record = found, rec
	}
	return false, partition.Outcome{}, errOvertaken
}

var errOvertaken = fmt.Errorf("%w: the partition is written too fast to judge a condition", partition.ErrUnavailable)

// writeHere is one attempt at an operation where this node is the primary.
func (h *Host) writeHere(t *trial, v *view, p partition.ID, op *partition.Op) (partition.Outcome, error) {
	w := h.newWaiter(&v.parts[p], opSize(op), true, t.own())
	accepted, out, err := h.propose(v, op, w)
	if !accepted {
		h.recycle(w)
		return out, err
	}
	a, ok := h.await(w)
	if !ok {
		return partition.Outcome{}, fmt.Errorf("%w: the copies of partition %d have not all answered", partition.ErrUnknown, p)
	}
	return a.Outcome, a.Err
}

// writeThere is one attempt at an operation where another node is the primary.
func (h *Host) writeThere(t *trial, v *view, p partition.ID, op *partition.Op) (partition.Outcome, error) {
	size := min(opSize(op), h.cfg.Limits.PeerBytes)
	budget := h.forwards.budget(v.m.Table[p].Primary, h.cfg.Limits.PeerBytes)
	if err := t.take(budget, h.cfg.Limits.PeerBytes, size); err != nil {
		return partition.Outcome{}, err
	}
	defer budget.Release(size)
	lane := replica.Small
	if len(op.Key)+len(op.Value) > smallBytes {
		lane = replica.Bulk
	}
	body := h.body()
	*body = appendWrite((*body)[:0], op)
	reply, err := h.call(t, v, p, lane, *body)
	h.giveBack(body)
	if err != nil {
		return partition.Outcome{}, err
	}
	return decodeOutcome(reply)
}

// Write carries out an operation, wherever its key's primary is, once: its ID,
// Attempt, Floor and Term are given here. It tries until ctx or Config.Timeout
// ends. Errors: partition.ErrUnavailable, nothing took effect and nothing will
// (partition.ErrNoSpace, at once: nor would it if it were tried again soon);
// partition.ErrUnknown, it may have or may yet. Key and Value are the Host's from
// then on.
func (h *Host) Write(ctx context.Context, op partition.Op) (out partition.Outcome, info partition.Info, err error) {
	t := h.newTrial(ctx)
	v, err := t.current()
	if err != nil {
		return out, info, err
	}
	size := opSize(&op)
	if err := t.take(h.taken, h.cfg.Limits.NodeBytes, size); err != nil {
		return out, info, err
	}
	defer h.taken.Release(min(size, h.cfg.Limits.NodeBytes))

	p := partition.Of(op.Key, len(v.m.Table))
	run := run{h: h, floor: v.floors[p], op: &op}
	run.name()
	for {
		run.follow(v.floors[p])
		row := &v.m.Table[p]
		op.Term = row.Term
		info = partition.Info{Partition: p, Version: v.m.Version}
		if row.Primary == h.cfg.Self {
			out, err = h.writeHere(&t, v, p, &op)
		} else if out, err = (partition.Outcome{}), run.ask(h, &t, v, p); err == nil {
			out, err = h.writeThere(&t, v, p, &op)
		}
		run.floor.learn(out.Commit)
		info.Commit = run.floor.at()
		if err == nil {
			info.ServedBy = nameOf(v.m, row.Primary)
			return out, info, nil
		}
		if final := run.after(err); final {
			return partition.Outcome{}, info, t.failed(partition.ErrUnknown, err)
		}
		if hopeless := errors.Is(err, partition.ErrNoSpace) && !run.unsure; hopeless {
			return partition.Outcome{}, info, err
		}
		if !t.again(err, v) {
			return partition.Outcome{}, info, t.failure(run.verdict())
		}
		if v, err = t.current(); err != nil {
			return partition.Outcome{}, info, t.failure(run.verdict())
		}
	}
}
