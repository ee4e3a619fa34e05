package host_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
)

// What is on its way there and back is more than the primary's log keeps, so that no
// commit sequence that the other node hears of is one that the log still reaches back to.
func TestAPartitionWrittenFastHasRoomForANodeFarAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 2, 1, 2)
		defer w.close()
		w.council.retarget(func(int) []id { return []id{1, 2} })
		w.settle(10 * time.Second)
		w.net.mu.Lock()
		w.net.extra = 30 * time.Millisecond
		w.net.mu.Unlock()
		near, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		put := func(ctx context.Context, through id, key string) error {
			_, _, err := w.node(through).Write(ctx, partition.Op{Kind: partition.OpPut, Key: []byte(key), Value: []byte("v")})
			return err
		}
		for i := range 500 {
			wg.Go(func() {
				for near.Err() == nil {
					if err := put(t.Context(), 1, fmt.Sprint("near", i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(time.Second)
		far, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := put(far, 2, "far"); err != nil {
			t.Error(err)
		}
		stop()
		wg.Wait()
	})
}
