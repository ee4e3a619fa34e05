package httpapi

import (
	"container/list"
	"context"
	"runtime"
	gauges "runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// pressure keeps requests back while more goroutines are ready to run than the
// processors get to soon. The scheduler knows no priorities: among thousands that
// are ready a beacon, or Raft's heartbeat, would have to wait its turn with the
// requests, and a node with too much to do be taken for dead. (CockroachDB's
// admission control goes by the same number.)
type pressure struct {
	most uint64        // goroutines that are ready
	wait time.Duration // before a request is refused

	calls atomic.Uint64
	ready atomic.Uint64 // as last looked

	looking sync.Mutex
	sample  [1]gauges.Sample // guarded by looking

	mu        sync.Mutex
	queue     list.List // of chan struct{}, closed when it is one's turn
	releasing bool      // the goroutine that serves queue runs
	running   sync.WaitGroup
}

const (
	// lookEvery is after how many requests the number is read again.
	lookEvery = 8
	// releaseEvery is how often requests that wait are looked after.
	releaseEvery = time.Millisecond
	// releaseAnyway is for how long nothing is let pass at most: some progress is
	// better than none, whatever keeps the processors busy.
	releaseAnyway = 20 * time.Millisecond
)

// newPressure returns a pressure that keeps back beyond so many goroutines a
// processor, of which Go may be told to use more than there are.
func newPressure(perProcessor int, wait time.Duration) *pressure {
	p := &pressure{most: uint64(perProcessor * min(runtime.GOMAXPROCS(0), runtime.NumCPU())), wait: wait}
	p.sample[0].Name = "/sched/goroutines/runnable:goroutines"
	return p
}

// look reads how many goroutines are ready to run.
func (p *pressure) look() uint64 {
	if p.looking.TryLock() {
		gauges.Read(p.sample[:])
		p.ready.Store(p.sample[0].Value.Uint64())
		p.looking.Unlock()
	}
	return p.ready.Load()
}

// pass waits until there is little enough to do. Its error says that it waited
// for too long.
func (p *pressure) pass(ctx context.Context) error {
	ready := p.ready.Load()
	if p.calls.Add(1)%lookEvery == 0 {
		ready = p.look()
	}
	if ready <= p.most {
		return nil
	}
	turn := make(chan struct{})
	p.mu.Lock()
	place := p.queue.PushBack(turn)
	if !p.releasing {
		p.releasing = true
		p.running.Go(p.release)
	}
	p.mu.Unlock()
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	select {
	case <-turn:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue.Remove(place)
	return errNoRoom
}

// close returns once nothing runs any more. Nobody may be at pass.
func (p *pressure) close() { p.running.Wait() }

// release lets those that wait pass, first come, first served, and ends when
// there are none, which is at the latest after p.wait.
func (p *pressure) release() {
	tick := time.NewTicker(releaseEvery)
	defer tick.Stop()
	last := time.Now()
	for {
		now := <-tick.C
		ready := p.look()
		p.mu.Lock()
		for place := p.queue.Front(); place != nil && (ready < p.most || now.Sub(last) >= releaseAnyway); place = p.queue.Front() {
			close(p.queue.Remove(place).(chan struct{}))
			ready++
			last = now
		}
		if p.queue.Len() == 0 {
			p.releasing = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
}
