package host

import (
	"testing"

	"pipelinedht/partition"
)

func TestACallWaitsForOneThatHandedOverAndNotForOneThatWasReplaced(t *testing.T) {
	v := &view{m: &partition.Map{Table: []partition.Row{{Term: 6, Primary: 2, InSync: []partition.NodeID{2, 3}}}}}
	for _, c := range []struct {
		to    partition.NodeID
		term  partition.Term
		ticks int // that the call is left alone
	}{
		{to: 1, term: 5, ticks: 0},        // replaced
		{to: 3, term: 5, ticks: cutTicks}, // handed over
		{to: 2, term: 6, ticks: 1000},     // the primary
	} {
		call := &forward{client: t.Context(), term: c.term, to: c.to}
		ticks := 0
		for ticks < 1000 && call.ending(v, uint64(ticks)) == nil {
			ticks++
		}
		if ticks != c.ticks {
			t.Errorf("a call to node %d in term %d was cut after %d ticks, want %d", c.to, c.term, ticks, c.ticks)
		}
	}
}
