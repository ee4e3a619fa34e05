package partition_test

import (
	"fmt"
	"testing"

	"pipelinedht/partition"
)

// The largest tables through a life of joins, leaves and returns, many at once.
func TestPlanOfLargestTables(t *testing.T) {
	for _, replicas := range []int{2, 3} {
		t.Run(fmt.Sprintf("%d copies", replicas), func(t *testing.T) {
			w := newWorld(1000, 65536, replicas)
			step := func(name string, change func()) {
				change()
				before := w.targets()
				w.plan()
				w.checkBalance(t)
				if got, want := moved(before, w.targets()), movesNeeded(w.eligible(), w.wanted(), before); got != want {
					t.Errorf("%s: moved %d copies, want %d", name, got, want)
				}
			}
			step("the first plan", func() {})
			step("100 nodes are replaced", func() {
				w.settle(every)
				for i := range 100 {
					w.set(w.Peers[i*7].ID, partition.Replaced)
				}
			})
			step("half of the moves later, 60 of them return", func() {
				w.settle(func(p int) bool { return p%2 == 0 })
				for i := range 60 {
					w.set(w.Peers[i*7].ID, partition.Active)
				}
			})
			step("50 join and 70 leave", func() {
				for i := range 70 {
					w.set(w.Peers[i*11].ID, partition.Leaving)
				}
				for range 50 {
					w.join()
				}
			})
		})
	}
}

func BenchmarkPlan1000x65536(b *testing.B) {
	largest := size{1000, 65536, 3}
	for _, x := range []struct {
		name string
		make func() *world
	}{
		{"first", func() *world { return newWorld(largest.nodes, largest.partitions, largest.replicas) }},
		{"join", func() *world {
			w := largest.settled()
			w.join()
			return w
		}},
		{"leave", func() *world {
			w := largest.settled()
			w.set(w.Peers[500].ID, partition.Leaving)
			return w
		}},
	} {
		b.Run(x.name, func(b *testing.B) {
			w := x.make()
			b.ReportAllocs()
			for b.Loop() {
				partition.Plan(&w.Map)
			}
		})
	}
}
