package replica

import (
	"slices"
	"testing"
	"time"

	"pipelinedht/partition"
)

// until lets the world go on until done, for a minute at most.
func (w *world) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := w.now + time.Minute; !done(); {
		if err := w.runUntil(w.now + 10*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if w.now > end {
			w.describe(t.Logf)
			t.Fatalf("not %s within a minute", what)
		}
	}
}

// settled reports whether all nodes go by the latest map and every copy is where
// it should be, and served.
func (w *world) settled() bool {
	m := w.law.latest()
	for _, n := range w.nodes {
		if n.core == nil || n.core.m == nil || n.core.m.Version != m.Version || !n.core.up {
			return false
		}
	}
	for i := range m.Table {
		if c := w.node(m.Table[i].Primary).core.copy(partition.ID(i)); !m.Table[i].Settled() || c.lead == nil || c.lead.phase != serving {
			return false
		}
	}
	return true
}

// peaceful is a world without faults.
func peaceful(seed uint64) *world {
	w := newWorld(seed)
	w.faulty, w.calm = faults{}, true
	return w
}

func TestANodeThatStopsHandsEverythingOver(t *testing.T) {
	for seed := range uint64(20) {
		w := peaceful(1000 + seed)
		for _, n := range w.nodes {
			w.until(t, "settled", w.settled)
			n.input(n.core.Withdraw)
			w.until(t, "withdrawn", func() bool { return n.core.Withdrawn(n.clock()) })
			m := w.law.latest()
			for i := range m.Table {
				row := &m.Table[i]
				if slices.Contains(row.InSync, n.id) {
					t.Errorf("seed %d: node %d is in sync for partition %d still: %+v", w.seed, n.id, i, *row)
				}
				c := w.node(row.Primary).core.copy(partition.ID(i))
				if c.row.Term == row.Term && (c.lead == nil || c.lead.phase != serving) {
					t.Errorf("seed %d: partition %d is not served when node %d has withdrawn", w.seed, i, n.id)
				}
			}
			n.crash()
		}
		w.until(t, "settled", w.settled)
	}
}

func TestNodesThatStopTogetherDoNotWaitForEachOther(t *testing.T) {
	for seed := range uint64(20) {
		w := peaceful(2000 + seed)
		w.until(t, "settled", w.settled)
		for _, n := range w.nodes {
			n.input(n.core.Withdraw)
		}
		begun := w.now
		w.until(t, "withdrawn", func() bool {
			return !slices.ContainsFunc(w.nodes, func(n *simNode) bool { return !n.core.Withdrawn(n.clock()) })
		})
		if took := w.now - begun; took > 2*Normal(1, 1).Beacon {
			t.Errorf("seed %d: all have withdrawn after %v, want within two beacons", w.seed, took)
		}
	}
}

func TestANodeThatStopsStaysWhereTheMinimumNeedsIt(t *testing.T) {
	w := peaceful(3000)
	for seed := w.seed; len(w.nodes) > simReplicas; seed++ {
		w = peaceful(seed) // one where every node has every copy
	}
	w.until(t, "settled", w.settled)
	first, second := w.nodes[0], w.nodes[1]
	first.dead = true
	first.crash()
	w.until(t, "without the first", func() bool {
		return !slices.ContainsFunc(w.law.latest().Table, func(row partition.Row) bool { return slices.Contains(row.InSync, first.id) })
	})
	second.input(second.core.Withdraw)
	w.until(t, "withdrawn", func() bool { return second.core.Withdrawn(second.clock()) })
	for i, row := range w.law.latest().Table {
		if row.Primary != w.nodes[2].id || len(row.InSync) != row.MinInSync {
			t.Errorf("partition %d: got %+v, want primary %d and the minimum in sync", i, row, w.nodes[2].id)
		}
	}
}
