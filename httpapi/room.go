package httpapi

import (
	"context"
	"fmt"
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

// take waits for n units. Its error says that nothing was taken.
func (r *room) take(ctx context.Context, n int) error {
	if r.free.TryAcquire(int64(n)) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	if err := r.free.Acquire(ctx, int64(n)); err != nil {
		return fmt.Errorf("%w: this node has as many requests under way as it may", partition.ErrUnavailable)
	}
	return nil
}

func (r *room) give(n int) { r.free.Release(int64(n)) }
