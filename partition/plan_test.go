package partition_test

import (
	"fmt"
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"pipelinedht/partition"
)

// A table of any history, also one that no plan would have made, is balanced with
// the fewest moves that there are, found by trying all tables.
func TestPlanMovesTheFewestCopiesOfAllTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 20 { // tables that need a chain are rare
			w := anyWorld(t, 6, 8)
			before := w.targets()
			w.plan()
			w.checkBalance(t)
			nodes, after := w.eligible(), w.targets()
			if got, want := moved(before, after), fewestMoves(nodes, w.wanted(), before); got != want {
				t.Fatalf("moved %d copies, want %d\nnodes  %v\nbefore %v\nafter  %v", got, want, nodes, before, after)
			}
			got, want := handovers(w.Table, before, after), fewestHandovers(nodes, w.Table, before, after)
			if got != want {
				t.Fatalf("%d handovers, want %d\nnodes  %v\nbefore %v\nafter  %v", got, want, nodes, before, after)
			}
		}
	})
}

// anyWorld draws a small map with arbitrary targets and in-sync sets, in some of
// which low nodes are frequent. Sizes are sampled, as ranges would be drawn low.
func anyWorld(t *rapid.T, maxNodes, maxPartitions int) *world {
	upTo := func(n int, label string) int {
		return rapid.SampledFrom(slices.Collect(count(n))).Draw(t, label)
	}
	w := newWorld(upTo(maxNodes, "nodes"), upTo(maxPartitions, "partitions"), upTo(4, "replicas"))
	for i := 1; i < len(w.Peers); i++ { // the first one stays eligible
		w.Peers[i].State = rapid.SampledFrom([]partition.PeerState{partition.Active, partition.Active, partition.Active,
			partition.Down, partition.Replaced, partition.Leaving}).Draw(t, "state")
	}
	skew := upTo(3, "skew")
	set := func(label string) []partition.NodeID {
		var ids []partition.NodeID
		for range upTo(w.wanted()+1, label) - 1 {
			i := upTo(len(w.Peers), "node")
			for range skew - 1 {
				i = min(i, upTo(len(w.Peers), "node"))
			}
			if id := w.Peers[i-1].ID; !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		return ids
	}
	for p := range w.Table {
		row := &w.Table[p]
		row.Target = set("copies wanted")
		row.InSync = sorted(set("copies in sync"))
		if len(row.InSync) > 0 {
			row.Primary = row.InSync[0]
		}
	}
	return w
}

// count yields 1 to n.
func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 1; i <= n && yield(i); i++ {
		}
	}
}

// Whatever happens to a cluster, every plan is balanced, and moves what the counts
// demand.
func TestPlanStaysBalancedThroughAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.IntRange(1, 40).Draw(t, "nodes")
		w := newWorld(nodes, rapid.IntRange(16*nodes, 2048).Draw(t, "partitions"), rapid.IntRange(1, 7).Draw(t, "replicas"))
		w.plan()
		w.checkBalance(t)
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			w.change(t)
			before := w.targets()
			w.plan()
			w.checkBalance(t)
			if got, want := moved(before, w.targets()), movesNeeded(w.eligible(), w.wanted(), before); got != want {
				t.Fatalf("moved %d copies, want %d", got, want)
			}
		}
	})
}

func TestPlanDependsOnNothingButTheMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t, 8, 40)
		want := partition.Plan(&w.Map)
		w.Peers = rapid.Permutation(w.Peers).Draw(t, "peers")
		for i := range w.Peers {
			w.Peers[i].Name, w.Peers[i].Address, w.Peers[i].Incarnation = fmt.Sprint(i), "localhost:1", 7
		}
		w.Version, w.Cluster = 9, 9
		if got := partition.Plan(&w.Map); !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("peers in another order: got %v, want %v", got, want)
		}
	})
}

func TestPlanLeavesTheMapAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t, 8, 40)
		before := fmt.Sprint(w.Map)
		partition.Plan(&w.Map)
		if after := fmt.Sprint(w.Map); after != before {
			t.Fatalf("map changed\nfrom %s\nto   %s", before, after)
		}
	})
}

func TestPlanOfItsOwnTargetsChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t, 8, 40)
		w.plan()
		for p, again := range partition.Plan(&w.Map) {
			if &again[0] != &w.Table[p].Target[0] {
				t.Fatalf("partition %d: got a new target %v beside %v, want the same slice", p, again, w.Table[p].Target)
			}
		}
	})
}

// What a table says beyond what a cluster writes into it does no harm.
func TestPlanPutsUpWithAnyTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t, 8, 40)
		ids := rapid.SliceOfN(rapid.SampledFrom(append(w.eligible(), 0, 1, 2)), 0, 9)
		for p := range w.Table {
			w.Table[p].Target = ids.Draw(t, "target")
			w.Table[p].InSync = ids.Draw(t, "in-sync set")
			w.Table[p].Primary = partition.NodeID(rapid.Uint64Range(0, 2).Draw(t, "primary"))
		}
		w.plan()
		w.checkBalance(t)
	})
}

// Where single moves get stuck, chains free them.
func TestPlanFreesWhatIsStuck(t *testing.T) {
	const a, b, c, d, e = 1, 2, 3, 4, 5
	type table = [][]partition.NodeID
	for _, x := range []struct {
		name          string
		nodes, copies int
		before        table
		moved         int
	}{
		{"the node that lacks a copy is in the row that lacks one", 3, 2, table{{a, b}, {a, b}, {c}}, 2},
		{"every row lacks one", 3, 2, table{{a}, {b}, {c}}, 3},
		{"one node has all", 3, 2, table{{a}, {a}, {a}}, 4},
		{"the right to one more must change hands", 5, 4, table{{b, e}, {e, b, c}, {a, e, c, b}, {}}, 7},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := &world{Map: partition.Map{Settings: partition.Settings{Replicas: x.copies}}}
			for _, id := range []partition.NodeID{a, b, c, d, e}[:x.nodes] {
				w.Peers = append(w.Peers, partition.Peer{ID: id})
			}
			for _, target := range x.before {
				w.Table = append(w.Table, partition.Row{Target: target})
			}
			w.plan()
			w.checkBalance(t)
			if got := moved(x.before, w.targets()); got != x.moved {
				t.Errorf("%v became %v: moved %d copies, want %d", x.before, w.targets(), got, x.moved)
			}
		})
	}
}

func TestPlanCountsWhoMayHoldCopies(t *testing.T) {
	const active, down, replaced, leaving = partition.Active, partition.Down, partition.Replaced, partition.Leaving
	for _, x := range []struct {
		name   string
		states []partition.PeerState // of the nodes 1, 2, ...
		want   []partition.NodeID    // target of one partition with three copies, ascending
	}{
		{"nobody", nil, nil},
		{"a node alone", []partition.PeerState{active}, []partition.NodeID{1}},
		{"fewer nodes than copies", []partition.PeerState{active, active}, []partition.NodeID{1, 2}},
		{"nodes that are down keep their places", []partition.PeerState{down, active, down}, []partition.NodeID{1, 2, 3}},
		{"a replaced node has none", []partition.PeerState{active, replaced, active}, []partition.NodeID{1, 3}},
		{"a leaving node has none", []partition.PeerState{active, active, leaving}, []partition.NodeID{1, 2}},
		{"all are replaced", []partition.PeerState{replaced, replaced}, []partition.NodeID{1, 2}},
		{"all that stay are replaced", []partition.PeerState{leaving, replaced, replaced}, []partition.NodeID{2, 3}},
		{"all are leaving", []partition.PeerState{leaving, leaving}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			m := &partition.Map{Settings: partition.Settings{Partitions: 1, Replicas: 3}, Table: make([]partition.Row, 1)}
			for i, s := range x.states {
				m.Peers = append(m.Peers, partition.Peer{ID: partition.NodeID(i + 1), State: s})
			}
			got := partition.Plan(m)
			if len(got) != 1 || !slices.Equal(slices.Sorted(slices.Values(got[0])), x.want) {
				t.Errorf("states %v: got %v, want one target of %v", x.states, got, x.want)
			}
		})
	}
}
