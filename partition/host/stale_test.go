package host_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
)

// A write that is lost with its primary is repeated at the next one, which has cut its
// log many times since the partition began. Whoever is in touch with the cluster gets its
// answer there, whatever it has written itself, and when.
func TestAWriteLostWithItsPrimaryIsAnsweredByTheNextOne(t *testing.T) {
	const others = 1000 // writes: several times what a log keeps
	for _, c := range []struct {
		name   string
		before func(w *world, busy func()) // node 3 is the one that writes
	}{
		{"of a node that has just come", func(w *world, busy func()) {
			busy()
			w.council.add(3)
			w.start(3, newFS(), 1)
			w.settle(10 * time.Second)
		}},
		{"of a node that has not written for long", func(w *world, busy func()) {
			w.council.add(3)
			w.start(3, newFS(), 1)
			w.put(3, "early", "v")
			busy()
		}},
		{"of a node that was out of touch meanwhile", func(w *world, busy func()) {
			w.council.add(3)
			w.start(3, newFS(), 1)
			w.put(3, "early", "v")
			w.net.cut(3, true)
			busy()
			w.net.detach(3) // the connections break
			w.net.attach(3, w.node(3).Host)
			w.node(3).Lost(1)
			w.node(3).Lost(2)
			w.net.cut(3, false)
		}},
		{"of a node that was out of touch with a copy, which then led", func(w *world, busy func()) {
			w.council.retarget(func(int) []id { return []id{2, 1} })
			w.council.add(3)
			w.start(3, newFS(), 1)
			w.settle(10 * time.Second)
			w.put(3, "early", "v") // to 2
			w.net.cut(3, true)
			w.node(3).Lost(1)
			w.council.retarget(func(int) []id { return []id{1, 2} })
			w.settle(10 * time.Second)
			time.Sleep(3 * time.Second) // the log of before is kept for 2 s
			busy()
			w.net.cut(3, false)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1, 2, 1, 2)
				defer w.close()
				w.council.retarget(func(int) []id { return []id{1, 2} })
				w.settle(10 * time.Second)
				c.before(w, func() {
					for i := range others {
						w.put(1, fmt.Sprint("key", i%10), "v")
					}
				})
				w.net.cut(1, true)
				w.node(1).seat.mute(true)
				w.put(3, "key", "lost, then found")
				w.expect(3, "key", "lost, then found")
				if led := w.council.latest().Table[0].Primary; led != 2 {
					t.Errorf("led by %d, want the second copy", led)
				}
				w.net.cut(1, false)
				w.node(1).seat.mute(false)
			})
		})
	}
}

// Those whose writes were lost with the primary repeat them at the next one beside others
// that write there anew, and soon more than a log keeps.
func TestWritesLostWithABusyPrimaryAreAllAnsweredByTheNextOne(t *testing.T) {
	const writers, meanwhile = 100, 1000
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 2, 1, 2, 3)
		defer w.close()
		w.council.retarget(func(int) []id { return []id{1, 2} })
		w.settle(10 * time.Second)
		var answered atomic.Int64
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				for ctx.Err() == nil {
					op := partition.Op{Kind: partition.OpPut, Key: []byte(fmt.Sprint("key", i)), Value: []byte("v")}
					if _, _, err := w.node(id(2+i%2)).Write(t.Context(), op); err != nil {
						t.Errorf("through node %d: %v", 2+i%2, err)
					}
					answered.Add(1)
					time.Sleep(200 * time.Microsecond) // the next primary, alone, takes no time
				}
			})
		}
		await := func(n int64) {
			target := answered.Load() + n
			w.wait(10*time.Second, "writes are answered", func() bool { return answered.Load() >= target })
		}
		await(meanwhile)
		w.net.cut(1, true)
		w.node(1).seat.mute(true)
		await(writers + meanwhile)
		stop()
		wg.Wait()
		w.net.cut(1, false)
		w.node(1).seat.mute(false)
	})
}
