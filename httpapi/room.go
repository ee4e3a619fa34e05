package httpapi

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"pipelinedht/partition"
)

// room bounds how much of something is in use at once: requests, or bytes.
// Waiters are served in the order in which they came.
type room struct {
	free *semaphore.Weighted
	wait time.Duration // for room, before a request is refused
}

func newRoom(size int, wait time.Duration) *room {
	return &room{free: semaphore.NewWeighted(int64(size)), wait: wait}
}

// errNoRoom refuses what has waited for too long. Nothing of it took effect.
var errNoRoom = fmt.Errorf("%w: this node has as many requests under way as it may", partition.ErrUnavailable)

// take waits for n units. Its error says that nothing was taken.
func (r *room) take(ctx context.Context, n int) error {
	if r.free.TryAcquire(int64(n)) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	if err := r.free.Acquire(ctx, int64(n)); err != nil {
		return errNoRoom
	}
	return nil
}

func (r *room) give(n int) { r.free.Release(int64(n)) }

// memory is a room of bytes that are held while their client sends or takes them.
// Where it is full and somebody waits, the holder whose client has been silent for
// longest is cut off, once that is Limits.Stall: so the slow make room.
type memory struct {
	*room
	mu      sync.Mutex
	holders map[*connection]bool
}

func newMemory(size int, wait time.Duration) *memory {
	return &memory{room: newRoom(size, wait), holders: make(map[*connection]bool)}
}

// take is room.take for the client of a connection, of which one request at a
// time holds memory.
func (m *memory) take(ctx context.Context, n int, one *connection) error {
	if !m.tryTake(n, one) {
		done := make(chan struct{})
		var cutting sync.WaitGroup
		cutting.Go(func() { m.cutSilent(done) })
		err := m.room.take(ctx, n)
		close(done)
		cutting.Wait()
		if err != nil {
			return err
		}
		m.hold(one)
	}
	return nil
}

// tryTake is take that does not wait.
func (m *memory) tryTake(n int, one *connection) bool {
	if !m.free.TryAcquire(int64(n)) {
		return false
	}
	m.hold(one)
	return true
}

func (m *memory) hold(one *connection) {
	if one != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.holders[one] = true
	}
}

// give gives back what take took; n is 0 where it took nothing.
func (m *memory) give(n int, one *connection) {
	if n == 0 {
		return
	}
	if one != nil {
		m.mu.Lock()
		delete(m.holders, one)
		m.mu.Unlock()
	}
	m.room.give(n)
}

// cutEvery is how often a holder is looked for that is silent while others wait.
const cutEvery = 50 * time.Millisecond

// cutSilent cuts off one holder after the other until done is closed.
func (m *memory) cutSilent(done <-chan struct{}) {
	tick := time.NewTicker(cutEvery)
	defer tick.Stop()
	for {
		if one, state := m.idlest(); one != nil {
			one.cut(state)
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

func (m *memory) idlest() (idlest *connection, since int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for one := range m.holders {
		if state, ok := one.silent(); ok && (idlest == nil || state < since) {
			idlest, since = one, state
		}
	}
	return idlest, since
}
