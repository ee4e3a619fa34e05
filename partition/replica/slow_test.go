package replica

import (
	"slices"
	"testing"
	"time"

	"pipelinedht/partition"
)

// setsOf returns how many in-sync sets a node is in.
func setsOf(w *world, id partition.NodeID) (sets int) {
	for _, row := range w.law.latest().Table {
		if slices.Contains(row.InSync, id) {
			sets++
		}
	}
	return sets
}

// TestASlowCopyIsDroppedAndLetBack: one whose disk is slow, but never silent, leaves
// the in-sync sets, stays away for the pause, and comes back when it is quick
// again; as long as it is slow it does not come and go more often than the pauses
// allow.
func TestASlowCopyIsDroppedAndLetBack(t *testing.T) {
	for seed := range uint64(2) {
		w := peaceful(3001 + 2*seed) // odd: the settings are those of Normal
		w.until(t, "settled", w.settled)
		slow := w.law.latest().Table[0].Target[1] // a backup of partition 0
		w.node(slow).lag = 400 * time.Millisecond
		w.until(t, "dropped", func() bool { return !slices.Contains(w.law.latest().Table[0].InSync, slow) })
		dropped, changes, was := w.now, 0, setsOf(w, slow)
		for w.now < dropped+5*time.Minute {
			if err := w.runUntil(w.now + 100*time.Millisecond); err != nil {
				t.Fatalf("seed %d: %v", w.seed, err)
			}
			if now := setsOf(w, slow); now != was {
				changes, was = changes+1, now
			}
		}
		// Let back after 30, 60 and 120 s, and dropped again, by the primary of
		// each partition.
		if most := simPartitions * (1 + 2*3); changes > most {
			t.Errorf("seed %d: in five minutes a slow copy came and went %d times, want at most %d", w.seed, changes, most)
		}
		w.node(slow).lag = 0
		if err := w.runUntil(w.now + Normal(0, 0).SlowPause<<maxPauses); err != nil {
			t.Fatalf("seed %d: %v", w.seed, err)
		}
		w.until(t, "settled again", w.settled)
	}
}

// TestCopiesThatAreAllSlowStay: the load is at fault, or the primary.
func TestCopiesThatAreAllSlowStay(t *testing.T) {
	for seed := range uint64(10) {
		w := peaceful(4001 + 2*seed)
		w.until(t, "settled", w.settled)
		before := w.law.latest().Version
		for _, n := range w.nodes {
			n.lag = 400 * time.Millisecond
		}
		if err := w.runUntil(w.now + time.Minute); err != nil {
			t.Fatalf("seed %d: %v", w.seed, err)
		}
		if now := w.law.latest(); now.Version != before {
			t.Errorf("seed %d: got ring version %d, want %d as before: %+v", w.seed, now.Version, before, now.Table)
		}
	}
}
