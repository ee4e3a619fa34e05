package host_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
)

// settled starts three nodes with 16 partitions spread over them.
func settled(t *testing.T) *world {
	w := newWorld(t, 16, 3, 1, 2, 3)
	w.council.retarget(spread(1, 2, 3))
	w.settle(10 * time.Second)
	return w
}

func TestAFourthNodeTakesItsShareWithoutAFailedOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settled(t)
		defer w.close()
		for i := range 500 {
			w.put(1, fmt.Sprint("old", i), fmt.Sprint("value", i))
		}
		l := w.startLoad(1)
		w.council.add(4)
		w.start(4, newFS(), 1)
		w.council.retarget(func(p int) []id { return spread(1, 2, 3, 4)(p)[:3] })
		w.settle(20 * time.Second)
		time.Sleep(time.Second)
		l.finishUnfailed()
		for i := range 500 {
			w.expect(4, fmt.Sprint("old", i), fmt.Sprint("value", i))
		}
		for p, row := range w.council.latest().Table {
			for n := range w.nodes {
				if !row.HasCopy(n) && len(w.dump(n, partition.ID(p))) > 0 {
					w.wait(5*time.Second, fmt.Sprintf("node %d drops partition %d", n, p), func() bool {
						return len(w.dump(n, partition.ID(p))) == 0
					})
				}
			}
		}
	})
}

func TestRolesMoveAroundWithoutAFailedOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settled(t)
		defer w.close()
		l := w.startLoad(2)
		for round := range 12 {
			first := 1 + round%3
			order := []id{id(first), id(first%3 + 1), id((first+1)%3 + 1)}
			w.council.retarget(func(int) []id { return order })
			w.settle(10 * time.Second)
		}
		l.finishUnfailed()
		w.equal(1, 2, 3)
	})
}

func TestAKilledPrimaryIsReplacedAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settled(t)
		defer w.close()
		l := w.startLoad(3)
		for round := range 3 {
			time.Sleep(time.Second)
			victim := id(1 + round)
			disk := w.kill(victim)
			began := time.Now()
			w.wait(10*time.Second, "others take over", func() bool {
				for _, row := range w.council.latest().Table {
					if row.Primary == victim {
						return false
					}
				}
				return true
			})
			t.Logf("node %d: taken over after %v", victim, time.Since(began))
			time.Sleep(3 * time.Second)
			w.start(victim, disk, partition.Incarnation(round+2))
			w.settle(20 * time.Second)
		}
		time.Sleep(time.Second)
		l.finish()
		w.equal(1, 2, 3)
	})
}

func TestANodeCutOffServesNothingStaleAndCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settled(t)
		defer w.close()
		l := w.startLoad(4)
		for victim := id(1); victim <= 3; victim++ {
			time.Sleep(time.Second)
			w.net.cut(victim, true)
			w.node(victim).seat.mute(true)
			time.Sleep(6 * time.Second)
			w.net.cut(victim, false)
			w.node(victim).seat.mute(false)
			w.settle(20 * time.Second)
		}
		time.Sleep(time.Second)
		l.finish()
		w.equal(1, 2, 3)
	})
}

func TestAllNodesRestartAtOnceWithEverythingAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settled(t)
		defer w.close()
		l := w.startLoad(5)
		for round := range 3 {
			for i := range 50 {
				w.put(id(1+i%3), fmt.Sprint("kept", i), fmt.Sprint(round, " ", i))
			}
			var disks []*vfs.MemFS
			for n := id(1); n <= 3; n++ {
				disks = append(disks, w.kill(n))
			}
			time.Sleep(time.Second)
			for n := id(1); n <= 3; n++ {
				w.start(n, disks[n-1], partition.Incarnation(round+2))
			}
			for i := range 50 {
				w.expect(id(1+i%3), fmt.Sprint("kept", i), fmt.Sprint(round, " ", i))
			}
			w.settle(20 * time.Second)
		}
		l.finish()
		w.equal(1, 2, 3)
	})
}
