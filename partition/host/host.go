package host

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
	"pipelinedht/partition/storage"
)

// Host runs one node's copies in one cluster. Its methods may be called from any
// goroutine.
type Host struct {
	cfg   Config
	store *storage.Store
	log   *slog.Logger

	// mu serialises the core. It is held for microseconds: never over I/O, a
	// callback or a wait.
	mu struct {
		sync.Mutex
		core    *replica.Node
		m       *partition.Map             // last given to core; nil before the first
		waiting map[replica.Ticket]*waiter // who waits for the core's Answer
		ticket  replica.Ticket             // last given out
		bytes   int64                      // of waiters; see Limits.NodeBytes
		ended   error                      // why nothing is taken in any more; nil while running
	}
	view  atomic.Pointer[view] // never nil
	found []storage.Copy       // in the store at Open; read by the first view

	wake    chan struct{} // for the committer; one is enough, so sends do not wait; never closed
	control *queue[replica.Outbound]
	changes *queue[[]partition.Change]
	jobs    *jobs

	taken    *semaphore.Weighted // bytes of operations taken from clients
	forwards forwards            // to other nodes, under way
	waiters  sync.Pool           // of *waiter
	bodies   sync.Pool           // of *[]byte, to encode calls and replies in
	pace     pace
	counter  atomic.Uint64 // of OpIDs
	clock    clock
	clients  clients
	resting  atomic.Bool   // the next tick comes late; written under mu
	roused   chan struct{} // for the tick loop: it is to come now; one is enough, never closed
	totals   totals

	damagesFound atomic.Uint64 // copies, since Open
	damageLogged atomic.Uint64 // tick at which damage was last logged

	ctx    context.Context // ends with the Host: by Close, or because the store failed
	cancel context.CancelFunc
	wg     sync.WaitGroup
	fatal  sync.Once
}

// Open starts a Host for the copies that cfg.Store has in cfg.Generation. It does
// nothing to them, and serves nothing, until the map shows this node's present
// incarnation.
func Open(cfg Config) (*Host, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("open copies: %w", err)
	}
	cfg = cfg.withDefaults()
	copies, err := cfg.Store.Copies(cfg.Generation)
	if err != nil {
		return nil, fmt.Errorf("open copies: %w", err)
	}
	h := &Host{
		cfg: cfg, store: cfg.Store, log: cfg.Logger, found: copies,
		wake:    make(chan struct{}, 1),
		roused:  make(chan struct{}, 1),
		control: newQueue[replica.Outbound](),
		changes: newQueue[[]partition.Change](),
		taken:   semaphore.NewWeighted(cfg.Limits.NodeBytes),
	}
	h.clients.clock = &h.clock
	h.jobs = newJobs(h)
	h.waiters.New = func() any { return &waiter{done: make(chan struct{}, 1)} }
	h.bodies.New = func() any { return new([]byte) }
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.view.Store(&view{next: make(chan struct{})})

	positions := make(map[partition.ID]partition.Position, len(copies))
	for _, c := range copies {
		positions[c.Partition] = c.Position
	}
	h.mu.waiting = make(map[replica.Ticket]*waiter)
	protocol := replica.Normal(cfg.Self, cfg.Incarnation)
	protocol.Tombstones = cfg.Tombstones
	h.mu.core = replica.New(protocol, positions, cfg.Clock())

	for _, run := range []func(){h.commitLoop, h.sendControl, h.proposeChanges, h.watchMap, h.tickLoop, h.sweepLoop, h.scrubLoop} {
		h.wg.Go(run)
	}
	h.jobs.start()
	return h, nil
}

// Close stops the Host and waits for its goroutines. Operations that wait are told
// partition.ErrUnknown if they were accepted, else partition.ErrUnavailable. The
// caller closes Store after Net and after every Get, Write and Keys has returned.
func (h *Host) Close() error {
	h.end("the node stops")
	h.control.close()
	h.changes.close()
	err := h.jobs.close()
	h.wg.Wait()
	return err
}

// end has nothing taken in any more, ends all waits, and tells all who wait.
func (h *Host) end(reason string) {
	h.mu.Lock()
	if h.mu.ended == nil {
		h.mu.ended = fmt.Errorf("%w: %s", partition.ErrUnavailable, reason)
	}
	answers := make([]replica.Answer, 0, len(h.mu.waiting))
	for t, w := range h.mu.waiting {
		a := replica.Answer{Ticket: t, Err: h.mu.ended}
		if w.write {
			a.Err = fmt.Errorf("%w: %s", partition.ErrUnknown, reason)
		}
		answers = append(answers, a)
	}
	done := h.settle(answers)
	h.mu.Unlock()
	h.cancel()
	h.deliver(done)
}

// fail ends the Host because the store can not be trusted any more.
func (h *Host) fail(err error) {
	h.end(err.Error())
	h.fatal.Do(func() { h.cfg.Fatal(err) })
}
