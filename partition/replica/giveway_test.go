package replica

import (
	"testing"

	"pipelinedht/partition"
)

// While moves give way, what nobody waits for is proposed with the next tick, and
// what somebody waits for at once, the rest with it.
func TestChangesThatCanWaitAreProposedTogether(t *testing.T) {
	n := served(inSync(1, 2))
	propose := func(forced bool) {
		n.changes = append(n.changes, proposal{change: partition.Change{Primary: 1}, copy: n.copies[0], forced: forced})
	}
	expect := func(what string, want int) {
		t.Helper()
		if got := len(n.Ready().Changes); got != want {
			t.Errorf("%s: %d changes proposed, want %d", what, got, want)
		}
		if want > 0 {
			n.inFlight = nil
		}
	}
	propose(false)
	expect("nothing gives way", 1)
	n.GiveWay(true)
	propose(false)
	propose(false)
	expect("before the tick", 0)
	n.Tick(start + tick)
	expect("after the tick", 2)
	propose(false)
	propose(true)
	expect("one is forced", 2)
	propose(false)
	n.GiveWay(false)
	expect("nothing gives way any more", 1)
}
