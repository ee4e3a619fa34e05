package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"pipelinedht/partition"
)

// Pauses between the attempts at one operation; a newer map ends them.
const (
	minPause = 5 * time.Millisecond
	maxPause = 100 * time.Millisecond
)

// trial is one operation's patience: how long it is tried, and how fast. It costs
// nothing before the first wait.
type trial struct {
	h     *Host
	ctx   context.Context
	limit uint64 // the tick up to which it is tried; 0: up to ctx's deadline
	wait  backoff
	last  error // of the latest attempt
	// renamed: an operation was refused for its floor, which costs no pause once.
	renamed bool
}

func (h *Host) newTrial(ctx context.Context) trial {
	h.clients.note()
	t := trial{h: h, ctx: ctx}
	if _, bounded := ctx.Deadline(); !bounded {
		t.limit = h.clock.limit(h.cfg.Timeout)
	}
	return t
}

// attempt returns a context for one wait or call. Call cancel.
func (t *trial) attempt() (context.Context, context.CancelFunc) {
	if t.limit == 0 {
		return context.WithCancel(t.ctx)
	}
	left := int64(t.limit) - int64(t.h.clock.tick.Load())
	return context.WithTimeout(t.ctx, time.Duration(left)*tickEvery)
}

// own returns how long a waiter of this operation waits.
func (t *trial) own() caller { return caller{client: t.ctx, limit: t.limit} }

// current returns the newest view, and waits for one by which this node is up.
func (t *trial) current() (*view, error) {
	v := t.h.view.Load()
	if v.up {
		return v, nil
	}
	ctx, cancel := t.attempt()
	defer cancel()
	for !v.up {
		select {
		case <-v.next:
			v = t.h.view.Load()
		case <-ctx.Done():
			return nil, t.failed(partition.ErrUnavailable, errors.New("the map does not show this node yet"))
		case <-t.h.ctx.Done():
			return nil, t.failed(partition.ErrUnavailable, errors.New("the node stops"))
		}
	}
	return v, nil
}

// again reports whether to try once more after an attempt by v ended with err. It
// waits before, for a newer map than v's or a moment.
func (t *trial) again(err error, v *view) bool {
	t.last = err
	if errors.Is(err, partition.ErrFloor) && !t.renamed {
		t.renamed = true
		return true
	}
	if t.wait.next == 0 {
		t.wait = newBackoff()
	}
	ctx, cancel := t.attempt()
	defer cancel()
	return t.wait.pause(ctx.Done(), v.next) && t.h.ctx.Err() == nil
}

// take takes n bytes of a budget of size in all, or as many as there are; the
// caller releases min(n, size). It waits until others have released theirs.
func (t *trial) take(budget *semaphore.Weighted, size, n int64) error {
	n = min(n, size)
	if budget.TryAcquire(n) {
		return nil
	}
	ctx, cancel := t.attempt()
	defer cancel()
	if err := budget.Acquire(ctx, n); err != nil {
		return errFull
	}
	return nil
}

var errFull = fmt.Errorf("%w: too many bytes of operations are under way on this node", partition.ErrUnavailable)

// failure returns the error of an operation that is given up: what is known of it,
// and why the latest attempt failed.
func (t *trial) failure(verdict error) error { return t.failed(verdict, t.last) }

// failed returns verdict with the cause told; only verdict is wrapped, for the
// cause's own sentinels may say more than is known.
func (t *trial) failed(verdict, cause error) error {
	if cause == nil || cause == verdict {
		return verdict
	}
	if errors.Is(cause, verdict) {
		return cause
	}
	return fmt.Errorf("%w; at last: %v", verdict, cause)
}

// backoff is a pause that doubles from minPause to maxPause.
type backoff struct{ next time.Duration }

func newBackoff() backoff { return backoff{next: minPause} }

// pause waits; true if the time passed or early was closed, false if stop was.
func (b *backoff) pause(stop, early <-chan struct{}) bool {
	timer := time.NewTimer(b.next)
	defer timer.Stop()
	b.next = min(2*b.next, maxPause)
	select {
	case <-stop:
		return false
	case <-early:
	case <-timer.C:
	}
	return true
}
