package host

import (
	"fmt"
	"runtime"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
	"pipelinedht/partition/storage"
)

// maxBatch is the size in bytes from which a storage batch is committed, and what it
// has acknowledged, before the next write is put into it: a copy with much to do
// does it in steps, and each shows the others that it gets on.
const maxBatch = 8 << 20

// The store is sealed (Store.Seal) when nothing was written for sealPause, and
// after sealTicks at the latest.
const (
	sealPause = 100 * time.Millisecond
	sealTicks = 20 // 1 s
)

// committer is the one goroutine that sends what the core says to other copies
// and stores what it writes: everything that waits in one batch, with one fsync.
type committer struct {
	h     *Host
	out   outbox
	batch *storage.Batch
	spent replica.Batch   // the core's last one
	queue []replica.Write // handed out by the core and not yet in a batch
	// later are those of a round that wait for a later one; partitions of which one
	// waits are held, so that they keep their order.
	later  []replica.Write
	held   map[partition.ID]bool
	gentle bool // the batch has a chunk that gives way to clients
	rest   rest // until the next one
	// dropped are the partitions whose copy the batch deletes.
	dropped map[partition.ID]bool
	// kept are copies that the map gave no place to and that stay in the store
	// (Config.Keep).
	kept map[partition.ID]storage.Slot
}

func newCommitter(h *Host) *committer {
	return &committer{
		h:       h,
		out:     outbox{net: h.cfg.Net, log: h.log},
		batch:   h.store.NewBatch(),
		held:    make(map[partition.ID]bool),
		dropped: make(map[partition.ID]bool),
		kept:    make(map[partition.ID]storage.Slot),
	}
}

// commitLoop runs the committer until Close, or until the store fails.
func (h *Host) commitLoop() {
	c := newCommitter(h)
	pause := time.NewTimer(sealPause)
	defer pause.Stop()
	rested := time.NewTimer(0)
	defer rested.Stop()
	sealed := h.clock.tick.Load()
	for {
		woken := true
		select {
		case <-h.ctx.Done():
			return
		case <-h.wake:
		case <-rested.C:
		case <-pause.C:
			woken = false
		}
		if now := h.clock.tick.Load(); !woken || now-sealed >= sealTicks {
			sealed = now
			if err := c.watched(h.store.Seal); err != nil {
				h.fail(err)
				return
			}
		}
		if !woken {
			c.batch = h.store.NewBatch() // the last one may have a large buffer
			continue
		}
		// Others that are ready to run add to the batch first: worth 15 % of the
		// throughput of small writes.
		runtime.Gosched()
		for more := true; more; {
			var err error
			if more, err = c.round(); err != nil {
				h.fail(err)
				return
			}
		}
		if len(c.queue) > 0 {
			rested.Reset(time.Until(c.rest.until))
		}
		pause.Reset(sealPause)
	}
}

// round sends the messages of one Batch of the core and stores its writes, or as many
// of those that wait as fit one batch of the store. Messages leave before the local
// commit, so that the other copies commit at the same time. more: there are writes
// left that need not wait.
func (c *committer) round() (more bool, err error) {
	h := c.h
	h.mu.Lock()
	h.mu.core.Recycle(c.spent)
	b, _ := h.mu.core.Batch()
	c.spent = b
	ended := h.mu.ended != nil
	h.mu.Unlock()
	if ended {
		c.queue = nil
		return false, nil
	}
	for i := range b.Messages {
		h.totals.sends(b.Messages[i].Message)
		c.out.add(b.Messages[i])
	}
	c.out.flush()
	c.queue = append(c.queue, b.Writes...)
	clear(b.Messages) // only their memory is kept
	clear(b.Writes)
	began := time.Now()
	n, more, err := c.fill(began)
	if n == 0 || err != nil {
		return false, err
	}
	if err := c.commit(); err != nil {
		return false, err
	}
	if c.gentle {
		c.rest.after(time.Since(began))
	}
	h.totals.batches.Add(1)
	h.totals.batchWrites.Add(int64(n))
	h.step(func(core *replica.Node, now time.Duration) { core.Stored(c.queue[:n], now) })
	left := copy(c.queue, c.queue[n:])
	clear(c.queue[left:]) // what has been stored is not held in memory any longer
	c.queue = c.queue[:left]
	return more, nil
}

// fill puts writes of the queue into the batch, in their order and as many as it
// takes, and has them at the queue's front. Of chunks that give way to clients only
// one gets in, once the rest after the last one is over, unless more than
// gentleBacklog would wait; what waits holds up nothing but its partition's writes.
// more: there is no room for what is left.
func (c *committer) fill(now time.Time) (n int, more bool, err error) {
	c.gentle = false
	clear(c.held)
	c.later = c.later[:0]
	resting, beyond := now.Before(c.rest.until), -gentleBacklog
	for i := range c.queue {
		if c.queue[i].Gentle() {
			beyond++
		}
	}
	for i := range c.queue {
		w := &c.queue[i]
		gentle := w.Gentle()
		more = more || c.batch.Size() >= maxBatch
		if more || c.held[w.Partition] || gentle && (resting || c.gentle) && beyond <= 0 {
			c.held[w.Partition] = true
			c.later = append(c.later, *w)
			continue
		}
		if err := c.add(w); err != nil {
			return 0, false, fmt.Errorf("store partition %d: %w", w.Partition, err)
		}
		if gentle {
			c.gentle = true
			beyond--
		}
		if n != i {
			c.queue[n] = *w
		}
		n++
	}
	copy(c.queue[n:], c.later)
	clear(c.later)
	return n, more, nil
}

// add puts a write of the core into the batch.
func (c *committer) add(w *replica.Write) error {
	p := &c.h.view.Load().parts[w.Partition]
	if w.Drop {
		c.drop(w.Partition, p)
		return nil
	}
	slot, err := c.slot(w.Partition, p)
	if err != nil {
		return err
	}
	if w.Chunk != nil {
		c.take(slot, w)
	}
	if w.SetMark {
		c.batch.SetMark(slot, w.Mark)
	}
	for i := range w.Entries {
		c.batch.Append(slot, &w.Entries[i], w.Commit)
	}
	if w.Trim > 0 {
		c.batch.Trim(slot, w.Trim)
	}
	return nil
}

// take puts a piece of a transfer into the batch.
func (c *committer) take(slot storage.Slot, w *replica.Write) {
	if w.Chunk.Head != nil {
		head := storage.Head(*w.Chunk.Head)
		c.batch.Begin(slot, &head)
	}
	for _, k := range w.Chunk.Values {
		c.batch.Put(slot, k)
	}
	c.batch.SetMark(slot, w.Mark)
}

// drop deletes a copy, or leaves it in the store where Config.Keep says so.
func (c *committer) drop(id partition.ID, p *part) {
	slot := storage.Slot(p.slot.Swap(0))
	switch {
	case slot == 0:
	case c.h.cfg.Keep != nil && c.h.cfg.Keep(id):
		c.kept[id] = slot
	default:
		c.batch.Drop(c.h.cfg.Generation, id, slot)
		c.dropped[id] = true
	}
}

// slot returns the slot of a copy, which it makes if there is none. A copy before
// it must have left the directory by then.
func (c *committer) slot(id partition.ID, p *part) (storage.Slot, error) {
	if slot := p.slot.Load(); slot != 0 {
		return storage.Slot(slot), nil
	}
	if old, ok := c.kept[id]; ok {
		delete(c.kept, id)
		c.batch.Drop(c.h.cfg.Generation, id, old)
		c.dropped[id] = true
	}
	if c.dropped[id] {
		if err := c.commit(); err != nil {
			return 0, err
		}
	}
	slot, err := c.h.store.Create(c.h.cfg.Generation, id)
	if err != nil {
		return 0, err
	}
	p.slot.Store(uint64(slot))
	return slot, nil
}

// watched writes to the store under the eye of the watchdog.
func (c *committer) watched(write func() error) error {
	c.h.clock.begin()
	defer c.h.clock.end()
	if err := write(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// commit makes the batch durable.
func (c *committer) commit() error {
	if err := c.watched(c.batch.Commit); err != nil {
		return err
	}
	c.batch.Reset()
	clear(c.dropped)
	return nil
}
