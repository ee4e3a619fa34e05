package host

import (
	"context"
	"sync"
	"time"
)

// throttle spreads bytes over time: a token bucket that holds one second's worth
// and may be overdrawn by one chunk.
type throttle struct {
	rate int64 // bytes a second; 0: unlimited

	mu   sync.Mutex
	free time.Time // when the bucket is paid off
}

// wait takes n bytes and waits until there were as many, or until ctx ends.
func (t *throttle) wait(ctx context.Context, n int) {
	if t.rate == 0 {
		return
	}
	t.mu.Lock()
	now := time.Now()
	if earliest := now.Add(-time.Second); t.free.Before(earliest) {
		t.free = earliest
	}
	t.free = t.free.Add(time.Duration(float64(n) / float64(t.rate) * float64(time.Second)))
	delay := t.free.Sub(now)
	t.mu.Unlock()
	if delay <= 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
