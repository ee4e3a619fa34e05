package partition_test

import (
	"cmp"
	"slices"

	"pgregory.net/rapid"

	"pipelinedht/partition"
)

// failer is what *testing.T and *rapid.T have in common here.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world is a map under tests that change it and plan anew.
type world struct {
	partition.Map
	lastID uint64
}

func newWorld(nodes, partitions, replicas int) *world {
	w := &world{Map: partition.Map{
		Settings: partition.Settings{Partitions: partitions, Replicas: replicas, Hash: "xxhash64"},
		Table:    make([]partition.Row, partitions),
	}}
	for range nodes {
		w.join()
	}
	return w
}

// join adds a peer whose id falls anywhere among the others.
func (w *world) join() partition.NodeID {
	w.lastID++
	id := partition.NodeID(w.lastID * 0xd1342543de82ef95)
	at, _ := slices.BinarySearchFunc(w.Peers, id, func(p partition.Peer, id partition.NodeID) int {
		return cmp.Compare(p.ID, id)
	})
	w.Peers = slices.Insert(w.Peers, at, partition.Peer{ID: id})
	return id
}

func (w *world) set(id partition.NodeID, s partition.PeerState) {
	for i := range w.Peers {
		if w.Peers[i].ID == id {
			w.Peers[i].State = s
		}
	}
}

// plan makes a plan and takes over its targets.
func (w *world) plan() {
	for p, target := range partition.Plan(&w.Map) {
		w.Table[p].Target = target
	}
}

// settle brings the partitions that f picks to their targets.
func (w *world) settle(f func(p int) bool) {
	for p := range w.Table {
		if row := &w.Table[p]; f(p) && len(row.Target) > 0 {
			row.InSync = slices.Sorted(slices.Values(row.Target))
			row.Primary = row.Target[0]
		}
	}
}

func every(int) bool { return true }

// targets returns a copy of the list of targets.
func (w *world) targets() [][]partition.NodeID {
	targets := make([][]partition.NodeID, len(w.Table))
	for p := range w.Table {
		targets[p] = w.Table[p].Target
	}
	return targets
}

// eligible returns the nodes that a plan is made for, by the words of its
// contract.
func (w *world) eligible() []partition.NodeID {
	in := func(states ...partition.PeerState) (ids []partition.NodeID) {
		for _, p := range w.Peers {
			if slices.Contains(states, p.State) {
				ids = append(ids, p.ID)
			}
		}
		return ids
	}
	if ids := in(partition.Active, partition.Down); len(ids) > 0 {
		return ids
	}
	return in(partition.Replaced)
}

func (w *world) wanted() int { return min(w.Settings.Replicas, len(w.eligible())) }

// checkBalance fails unless the targets are whole, of different eligible nodes,
// and balanced in primaries and copies.
func (w *world) checkBalance(t failer) {
	t.Helper()
	nodes, wanted := w.eligible(), w.wanted()
	copies, primaries := map[partition.NodeID]int{}, map[partition.NodeID]int{}
	for p, target := range w.targets() {
		if len(target) != wanted {
			t.Fatalf("partition %d: got target %v, want %d copies", p, target, wanted)
		}
		for i, id := range target {
			copies[id]++
			if slices.Contains(target[:i], id) {
				t.Fatalf("partition %d: got target %v, want different nodes", p, target)
			}
		}
		primaries[target[0]]++
	}
	for _, count := range []struct {
		of    string
		by    map[partition.NodeID]int
		total int
	}{{"copies", copies, len(w.Table) * wanted}, {"primaries", primaries, len(w.Table)}} {
		sum, floor := 0, count.total/len(nodes)
		for _, id := range nodes {
			n := count.by[id]
			if n < floor || n > floor+1 || n > floor && count.total%len(nodes) == 0 {
				t.Fatalf("node %v: got %d %s, want the floor or ceiling of %d/%d", id, n, count.of, count.total, len(nodes))
			}
			sum += n
		}
		if sum != count.total {
			t.Fatalf("eligible nodes have %d %s, want %d: others have the rest", sum, count.of, count.total)
		}
	}
}

// moved counts the copies in targets that are not in before.
func moved(before, targets [][]partition.NodeID) int {
	n := 0
	for p := range targets {
		for _, id := range targets[p] {
			if !slices.Contains(before[p], id) {
				n++
			}
		}
	}
	return n
}

// change does one thing to the peers that happens in the life of a cluster; some
// copies may be moved meanwhile.
func (w *world) change(t *rapid.T) {
	pick := func(label string) partition.NodeID {
		return w.Peers[rapid.IntRange(0, len(w.Peers)-1).Draw(t, label)].ID
	}
	switch rapid.SampledFrom([]string{"join", "leave", "drop", "down", "replace", "return", "settle"}).Draw(t, "change") {
	case "join":
		w.join()
	case "leave":
		if len(w.eligible()) > 1 {
			w.set(pick("leaver"), partition.Leaving)
		}
	case "drop":
		w.Peers = slices.DeleteFunc(w.Peers, func(p partition.Peer) bool { return p.State == partition.Leaving })
	case "down":
		w.set(pick("down"), partition.Down)
	case "replace":
		w.set(pick("replaced"), partition.Replaced)
	case "return":
		w.set(pick("back"), partition.Active)
	case "settle":
		part := rapid.IntRange(1, 4).Draw(t, "one of so many")
		w.settle(func(p int) bool { return p%part == 0 })
	}
	if len(w.eligible()) == 0 {
		w.join()
	}
}
