package host

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"pipelinedht/partition/replica"
)

// Workers of a Host. Chunks of transfers, which may be many and throttled, have
// their own, so that recovery never waits behind them.
const (
	transferWorkers = 3
	lookupWorkers   = 2
)

// jobs does the reading that the core asks for. How many jobs there can be is
// bounded by the core: replica.Config.Transfers, and a few a partition.
type jobs struct {
	h         *Host
	transfers *queue[replica.Job]
	lookups   *queue[replica.Job]
	throttle  throttle
	turns     turns // of transfers that give way to clients
	wg        sync.WaitGroup

	mu   sync.Mutex
	open map[uint64]*transfer // by number: begun and neither complete nor cancelled
}

func newJobs(h *Host) *jobs {
	return &jobs{
		h:         h,
		transfers: newQueue[replica.Job](),
		lookups:   newQueue[replica.Job](),
		throttle:  throttle{rate: h.cfg.RebalanceBytes},
		turns:     newTurns(),
		open:      make(map[uint64]*transfer),
	}
}

func (j *jobs) start() {
	for range transferWorkers {
		j.wg.Go(func() { j.work(j.transfers) })
	}
	for range lookupWorkers {
		j.wg.Go(func() { j.work(j.lookups) })
	}
}

// close forgets what is queued, waits for what runs, and closes all views.
func (j *jobs) close() error {
	j.transfers.close()
	j.lookups.close()
	j.wg.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	var errs []error
	for number, t := range j.open {
		errs = append(errs, t.close())
		delete(j.open, number)
	}
	return errors.Join(errs...)
}

// submit queues jobs, in the core's order. Host.mu is held.
func (j *jobs) submit(work []replica.Job) {
	for _, job := range work {
		switch job.Kind {
		case replica.JobTransfer:
			j.h.totals.of(&job).begun.Add(1)
			j.mu.Lock()
			j.open[job.Transfer] = &transfer{job: job, began: time.Now()}
			j.mu.Unlock()
		case replica.JobCancel:
			// At once, so that a transfer that was cancelled before its turn is
			// never begun; the view, if any, is closed by a worker.
			j.mu.Lock()
			if t := j.open[job.Transfer]; t != nil {
				t.cancelled = true
			}
			j.mu.Unlock()
		}
		switch {
		case job.Kind == replica.JobExtra, job.Kind == replica.JobIDs, job.Whole:
			j.lookups.push(job)
		default:
			j.transfers.push(job)
		}
	}
}

func (j *jobs) work(q *queue[replica.Job]) {
	for {
		job, ok := q.pop()
		if !ok {
			return
		}
		switch job.Kind {
		case replica.JobTransfer, replica.JobNext:
			j.build(job)
		case replica.JobCancel:
			j.release(job.Transfer, false)
		case replica.JobExtra:
			j.h.findExtra(job)
		case replica.JobIDs:
			j.h.findIDs(job)
		}
	}
}

// build makes the next chunk of a transfer and tells the core.
func (j *jobs) build(job replica.Job) {
	j.mu.Lock()
	t := j.open[job.Transfer]
	if t == nil || t.cancelled {
		j.mu.Unlock()
		j.release(job.Transfer, false)
		return
	}
	t.running = true
	j.mu.Unlock()

	chunk, err := j.next(t)
	bytes := 0
	if err == nil {
		if bytes = size(chunk); !job.Whole {
			j.throttle.wait(j.h.ctx, bytes)
		}
	}
	if err != nil {
		j.h.heed(j.h.view.Load(), job.Partition, t.slot, err)
		err = fmt.Errorf("transfer of partition %d: %w", job.Partition, err)
		if j.h.ctx.Err() == nil {
			j.h.log.Warn("cannot build a transfer", "partition", job.Partition, "to", job.To, "error", err)
		}
	}
	j.mu.Lock()
	t.running = false
	if err == nil {
		j.count(&t.job, chunk, bytes)
		t.sent.Chunks++
		t.sent.Keys += int64(len(chunk.Values))
		t.sent.Bytes += int64(bytes)
	}
	j.mu.Unlock()
	if cancelled := j.release(job.Transfer, err != nil || chunk.Last); cancelled {
		return
	}
	j.h.step(func(core *replica.Node, now time.Duration) { core.Built(job, chunk, err, now) })
}

// next builds the next chunk, giving way to clients if there are any.
func (j *jobs) next(t *transfer) (*replica.Chunk, error) {
	if t.job.Whole || t.job.Urgent || !j.h.clients.about() {
		return t.next(j.h, chunkBytes)
	}
	began, ok := j.turns.take(j.h.ctx)
	if !ok {
		return nil, j.h.ctx.Err()
	}
	defer j.turns.give(began)
	chunk, err := t.next(j.h, gentleBytes)
	if err == nil {
		chunk.Gentle = true
	}
	return chunk, err
}

// count counts a chunk of a transfer.
func (j *jobs) count(job *replica.Job, chunk *replica.Chunk, bytes int) {
	t := j.h.totals.of(job)
	if chunk.Head != nil {
		t.records.Add(int64(len(chunk.Head.Records)))
	}
	t.keys.Add(int64(len(chunk.Values)))
	t.bytes.Add(int64(bytes))
	if chunk.Last {
		t.sent.Add(1)
	}
}

// release closes a transfer that is at its end, or cancelled, unless a worker is
// at it, which will call release. It reports whether it was cancelled.
func (j *jobs) release(number uint64, ended bool) (cancelled bool) {
	j.mu.Lock()
	t := j.open[number]
	if t == nil || t.running || !ended && !t.cancelled {
		j.mu.Unlock()
		return false
	}
	delete(j.open, number)
	j.mu.Unlock()
	if err := t.close(); err != nil {
		j.h.log.Error("close the view of a transfer", "partition", t.job.Partition, "error", err)
	}
	return t.cancelled
}
