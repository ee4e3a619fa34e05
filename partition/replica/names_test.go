package replica

import (
	"math/rand/v2"
	"testing"

	"pipelinedht/partition"
)

// TestNamesAreFoundAsInATable plays operations of several writers, in and out of
// their order, and log records without any, against a map.
func TestNamesAreFoundAsInATable(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		first := partition.Seq(rng.IntN(1000))
		n, known := names{from: first}, map[partition.OpID]executed{}
		record := func(seq partition.Seq) partition.LogRecord {
			r := partition.LogRecord{
				Label: partition.Label{Term: 3, Seq: seq}, Kind: partition.EntryKind(1 + rng.IntN(3)),
				Existed: rng.IntN(2) == 0, Stamp: partition.Stamp(rng.Uint32()),
			}
			for rng.IntN(10) > 0 && r.Op.Counter == 0 {
				op := partition.OpID{Node: 1 + partition.NodeID(rng.IntN(3)), Incarnation: 1 + partition.Incarnation(rng.IntN(2)), Counter: 1 + rng.Uint64N(4000)}
				if _, twice := known[op]; !twice {
					r.Op = op
					known[op] = executed{seq: seq, stamp: r.Stamp, kind: r.Kind, existed: r.Existed}
				}
			}
			return r
		}
		check := func(what string) {
			t.Helper()
			for op, want := range known {
				if got, ok := n.find(op, 0); !ok || got != want {
					t.Fatalf("seed %d, %s: %v is %+v, %t, want %+v", seed, what, op, got, ok, want)
				}
			}
			for range 200 {
				op := partition.OpID{Node: partition.NodeID(rng.IntN(5)), Incarnation: 1, Counter: rng.Uint64N(4100)}
				if _, want := known[op]; !want {
					if got, ok := n.find(op, 0); ok {
						t.Fatalf("seed %d, %s: %v is %+v, want nothing", seed, what, op, got)
					}
				}
			}
		}
		if older := min(first, partition.Seq(rng.IntN(200))); older > 0 {
			var records []partition.LogRecord
			for seq := first - older + 1; seq <= first; seq++ {
				records = append(records, record(seq))
			}
			n.prepend(records)
		}
		for seq := first + 1; seq < first+1500; seq++ {
			r := record(seq)
			n.add(&r)
			if rng.IntN(150) == 0 {
				upto := n.from + partition.Seq(rng.IntN(len(n.row)+1))
				n.drop(upto)
				for op, e := range known {
					if e.seq <= upto {
						delete(known, op)
					}
				}
				check("after a cut")
			}
		}
		check("at the end")
	}
}
