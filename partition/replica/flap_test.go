package replica

import (
	"slices"
	"testing"
	"time"

	"pipelinedht/partition"
)

// A copy whose process is gone is dropped while its last grants still run: these
// must not let it back in, to be dropped and let in again as fast as Raft can.
func TestACopyThatIsGoneIsNotLetBackForItsLastGrants(t *testing.T) {
	for seed := range uint64(20) {
		w := peaceful(4000 + seed)
		w.until(t, "settled", w.settled)
		victim := w.nodes[0]
		victim.dead = true
		victim.crash()
		dropped := make(map[partition.ID]bool)
		for end := w.now + 2*Normal(1, 1).Lease; w.now < end; {
			for _, n := range w.nodes[1:] {
				n.input(func(now time.Duration) { n.core.Refused(victim.id, now) })
			}
			if err := w.runUntil(w.now + 10*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			for p, row := range w.law.latest().Table {
				in := slices.Contains(row.InSync, victim.id)
				if in && dropped[partition.ID(p)] {
					t.Fatalf("seed %d: partition %d: node %d is in sync again, though it is dead: %+v", w.seed, p, victim.id, row)
				}
				dropped[partition.ID(p)] = !in
			}
		}
	}
}
