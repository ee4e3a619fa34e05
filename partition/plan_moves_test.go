package partition_test

import (
	"fmt"
	"slices"
	"testing"

	"pipelinedht/partition"
)

// size of a table.
type size struct{ nodes, partitions, replicas int }

func (s size) String() string {
	return fmt.Sprintf("%d nodes, %d partitions, %d copies", s.nodes, s.partitions, s.replicas)
}

func (s size) settled() *world {
	w := newWorld(s.nodes, s.partitions, s.replicas)
	w.plan()
	w.settle(every)
	return w
}

var sizes = []size{
	{1, 1, 1}, {1, 1024, 3}, {2, 1024, 3}, {3, 1024, 3}, {4, 1024, 3}, {5, 1024, 3}, {9, 1024, 3}, {10, 1024, 1},
	{10, 1024, 2}, {8, 1024, 7}, {30, 1000, 3}, {100, 4096, 5}, {3, 65536, 3}, {1000, 65536, 3},
}

func TestPlanMovesOnlyToTheJoiner(t *testing.T) {
	for _, size := range sizes {
		t.Run(size.String(), func(t *testing.T) {
			w := size.settled()
			before := w.targets()
			joiner := w.join()
			w.plan()
			w.checkBalance(t)
			copies, primaries := 0, 0
			for p, target := range w.targets() {
				for _, id := range target {
					if id != joiner && !slices.Contains(before[p], id) {
						t.Fatalf("partition %d: %v became %v, want no new node but %v", p, before[p], target, joiner)
					}
				}
				if slices.Contains(target, joiner) {
					copies++
				}
				if target[0] != before[p][0] {
					primaries++
				}
			}
			if want := w.wanted() * len(w.Table) / len(w.Peers); copies != want {
				t.Errorf("joiner got %d copies, want its share, %d", copies, want)
			}
			if want := len(w.Table) / len(w.Peers); primaries != want {
				t.Errorf("%d preferred primaries changed, want the joiner's share, %d", primaries, want)
			}
		})
	}
}

func TestPlanMovesOnlyTheLeaversCopies(t *testing.T) {
	for _, size := range sizes {
		if size.nodes == 1 {
			continue
		}
		t.Run(size.String(), func(t *testing.T) {
			w := size.settled()
			before := w.targets()
			leaver := w.Peers[size.nodes/2].ID
			w.set(leaver, partition.Leaving)
			w.plan()
			w.checkBalance(t)
			for p, target := range w.targets() {
				for _, id := range before[p] {
					if id != leaver && !slices.Contains(target, id) {
						t.Fatalf("partition %d: %v became %v, want no loss but of %v", p, before[p], target, leaver)
					}
				}
			}
		})
	}
}

// A leaver's primaries fall to backups, not to nodes that have to fetch first.
func TestPlanPromotesCopiesThatExist(t *testing.T) {
	for _, size := range []size{{4, 1024, 3}, {5, 1024, 3}, {9, 1024, 3}, {30, 4096, 3}, {100, 65536, 3}} {
		t.Run(size.String(), func(t *testing.T) {
			w := size.settled()
			w.set(w.Peers[1].ID, partition.Leaving)
			w.plan()
			for p, row := range w.Table {
				if !slices.Contains(row.InSync, row.Target[0]) {
					t.Errorf("partition %d: copies are on %v, got target %v, want one of them first", p, row.InSync, row.Target)
				}
			}
		})
	}
}

// A joiner that gives up before anything moved leaves all as it was.
func TestPlanUndoesAJoin(t *testing.T) {
	w := size{10, 1024, 3}.settled()
	before := w.targets()
	joiner := w.join()
	w.plan()
	w.set(joiner, partition.Leaving)
	w.plan()
	w.checkBalance(t)
	for p, target := range w.targets() {
		if target[0] != before[p][0] || !slices.Equal(sorted(target), sorted(before[p])) {
			t.Errorf("partition %d: %v became %v, want the same copies and primary", p, before[p], target)
		}
	}
}

// Copies that are in sync still are given back to a node that returns.
func TestPlanGivesAReturningNodeItsCopiesBack(t *testing.T) {
	w := size{10, 1024, 3}.settled()
	node := w.Peers[4].ID
	w.set(node, partition.Replaced)
	w.plan()
	w.set(node, partition.Active)
	w.plan()
	w.checkBalance(t)
	for p, row := range w.Table {
		if slices.Contains(row.Target, node) && !slices.Contains(row.InSync, node) {
			t.Errorf("partition %d: copies are on %v, got target %v, want %v where it is", p, row.InSync, row.Target, node)
		}
	}
}

// What a joiner takes over from nodes that have not fetched it yet costs them
// nothing: after a leave and a join, little more is fetched than the joiner's share.
func TestPlanRedirectsCopiesOnTheirWay(t *testing.T) {
	w := size{10, 1024, 3}.settled()
	w.set(w.Peers[3].ID, partition.Leaving)
	w.plan()
	w.join()
	w.plan()
	w.checkBalance(t)
	fetched := 0
	for _, row := range w.Table {
		for _, id := range row.Target {
			if !slices.Contains(row.InSync, id) {
				fetched++
			}
		}
	}
	if share := 3 * 1024 / 10; fetched < share || fetched > share*5/4 {
		t.Errorf("got %d copies to fetch, want the joiner's %d and at most a quarter more", fetched, share)
	}
}

// After a take-over, of partitions whose preferred primary leaves, the node that
// serves them goes on.
func TestPlanKeepsThePresentPrimary(t *testing.T) {
	w := size{5, 1024, 3}.settled()
	leaver := w.Peers[2].ID
	want := map[int]partition.NodeID{}
	for p := range w.Table {
		if row := &w.Table[p]; row.Primary == leaver && p%8 == 0 {
			row.Primary = row.Target[2]
			want[p] = row.Primary
		}
	}
	w.set(leaver, partition.Leaving)
	w.plan()
	w.checkBalance(t)
	for p, primary := range want {
		if got := w.Table[p].Target; got[0] != primary {
			t.Errorf("partition %d: got target %v, want %v first, which serves it", p, got, primary)
		}
	}
	if len(want) == 0 {
		t.Fatal("the leaver was primary of nothing: the test shows nothing")
	}
}

// The load of a lost node falls on many: each node shares partitions with nearly
// all others, also with those that joined with or after it.
func TestPlanScattersTheCopiesOfANode(t *testing.T) {
	check := func(t *testing.T, w *world) {
		t.Helper()
		shared := map[[2]partition.NodeID]int{}
		for _, target := range w.targets() {
			for _, a := range target {
				for _, b := range target {
					shared[[2]partition.NodeID{a, b}]++
				}
			}
		}
		nodes := len(w.Peers)
		mean := float64(len(w.Table)*3*2) / float64(nodes*(nodes-1))
		for _, a := range w.Peers {
			for _, b := range w.Peers {
				if n := float64(shared[[2]partition.NodeID{a.ID, b.ID}]); a.ID != b.ID && (n < mean/3 || n > mean*3) {
					t.Errorf("%v and %v share %.0f partitions, want about %.0f", a.ID, b.ID, n, mean)
				}
			}
		}
	}
	w := newWorld(12, 8192, 3)
	w.plan()
	w.settle(every)
	t.Run("first plan", func(t *testing.T) { check(t, w) })
	for range 12 {
		w.join()
		w.plan()
	}
	t.Run("twelve joins", func(t *testing.T) { check(t, w) })
	for i := range 6 {
		w.set(w.Peers[i*3].ID, partition.Leaving)
	}
	w.plan()
	w.Peers = slices.DeleteFunc(w.Peers, func(p partition.Peer) bool { return p.State == partition.Leaving })
	t.Run("six leave at once", func(t *testing.T) { check(t, w) })
}

func sorted(ids []partition.NodeID) []partition.NodeID { return slices.Sorted(slices.Values(ids)) }
