package host_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition/host"
)

// A node that nobody uses looks up with its beacons only, and often again from the
// moment that it has work. Each tick reads the clock once.
func TestANodeWithoutWorkRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8, 1, 1)
		defer w.close()
		var looks atomic.Int64
		began := time.Now()
		w.edit = func(cfg *host.Config) {
			cfg.Clock = func() time.Duration {
				looks.Add(1)
				return time.Since(began)
			}
		}
		w.start(1, w.kill(1), 2)
		count := func(d time.Duration) int64 {
			before := looks.Load()
			time.Sleep(d)
			return looks.Load() - before
		}
		w.put(1, "a", "1")
		if n := count(2 * time.Second); n < 39 {
			t.Errorf("%d ticks in 2 s after a write, want 40", n)
		}
		time.Sleep(10 * time.Second)
		if n := count(10 * time.Second); n < 39 || n > 41 {
			t.Errorf("%d ticks in 10 s without work, want 40", n)
		}
		w.put(1, "a", "2")
		if n := count(2 * time.Second); n < 39 {
			t.Errorf("%d ticks in 2 s after a write in a rest, want 40", n)
		}
		w.expect(1, "a", "2")
	})
}
