package host_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestALoneNodeServesAndKeepsWhatItAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8, 3, 1)
		defer w.close()
		for i := range 100 {
			w.put(1, fmt.Sprint("key", i), fmt.Sprint("value", i))
		}
		for i := 0; i < 100; i += 2 {
			if out := w.del(1, fmt.Sprint("key", i)); !out.Existed {
				t.Errorf("delete of key%d: Existed = false", i)
			}
		}
		check := func() {
			for i := range 100 {
				if i%2 == 0 {
					w.expectNone(1, fmt.Sprint("key", i))
				} else {
					w.expect(1, fmt.Sprint("key", i), fmt.Sprint("value", i))
				}
			}
		}
		check()
		w.start(1, w.kill(1), 2)
		check()
	})
}

func TestThreeNodesReplicateAndServeThroughEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8, 3, 1, 2, 3)
		defer w.close()
		w.put(1, "early", "bird")
		w.council.retarget(spread(1, 2, 3))
		w.settle(5 * time.Second)
		w.expect(2, "early", "bird")
		for i := range 60 {
			w.put(id(1+i%3), fmt.Sprint("key", i), fmt.Sprint("value", i))
		}
		for i := range 60 {
			for n := range 3 {
				w.expect(id(1+n), fmt.Sprint("key", i), fmt.Sprint("value", i))
			}
		}
		w.equal(1, 2, 3)
	})
}
