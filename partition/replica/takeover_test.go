package replica

import (
	"slices"
	"testing"
	"time"

	"pipelinedht/partition"
)

// lastInLine returns node 1 as a copy of its only partition, which node 2 leads and
// node 3 may take over first.
func lastInLine() *Node {
	m := inSync(1, 2, 3)
	m.Table[0].Primary, m.Table[0].Target = 2, []partition.NodeID{2, 3, 1}
	n := New(Normal(1, 1), nil, start)
	n.SetMap(m, start)
	return n
}

// play lets time pass for node 1, up to end. Up to deaf the others answer beacons, and
// node 2 sends its own if it leads. It returns what node 1 proposed first, and when.
func play(n *Node, led bool, deaf, end time.Duration) (change partition.Change, at time.Duration) {
	for now := n.now; now < end; now += tick {
		alive := now <= deaf
		if led && alive && (now-start)%n.cfg.Beacon == 0 {
			n.Receive(2, 1, &Beacon{Version: 10, Sent: now}, now)
		}
		n.Tick(now)
		n.Batch()
		r := n.Ready()
		if len(r.Changes) > 0 {
			return r.Changes[0], now
		}
		for _, out := range r.Control {
			if b, ok := out.Message.(*Beacon); ok && alive {
				n.Receive(out.To, 1, &Grant{Version: b.Version, Sent: b.Sent, Taken: 9}, now)
			}
		}
	}
	return change, 0
}

// The first in line has gone with the primary: its turn does not cost a pause, and
// its silence is known when the reign begins.
func TestACopyThatWentWithThePrimaryIsNotWaitedFor(t *testing.T) {
	for _, idle := range []time.Duration{2 * time.Second, 20 * time.Second} {
		n := lastInLine()
		lastBeacon := start + idle
		change, at := play(n, true, lastBeacon, start+time.Minute)
		if due := lastBeacon + n.cfg.Grant; change.Primary != 1 || at < due || at >= due+tick {
			t.Fatalf("after %v: proposed %+v at %v, want itself as primary in [%v, %v)", idle, change, at, due, due+tick)
		}
		taken := inSync(1, 2, 3)
		taken.Table[0].InSync = []partition.NodeID{1, 3}
		taken.Version, taken.Table[0].Epoch, taken.Table[0].Term = 11, 11, 11
		n.SetMap(taken, at+time.Millisecond)
		n.Resolved(at + time.Millisecond)
		if r := n.Ready(); len(r.Changes) != 1 || !slices.Equal(r.Changes[0].InSync, []partition.NodeID{1}) {
			t.Errorf("after %v: when it leads it proposes %+v, want the set without node 3, at once", idle, r.Changes)
		}
	}
}

// That node 3 was asked once, long ago, and the question or its answer was lost, does
// not make it lost when this node gets a role.
func TestACopyThatWasAskedLongAgoIsNotLost(t *testing.T) {
	n := lastInLine()
	n.beacon(n.peer(3))
	n.Ready() // and is lost
	if _, at := play(n, true, start+time.Hour, start+20*time.Second); at != 0 {
		t.Fatalf("proposed something at %v, beside a primary that lives", at)
	}
	given := inSync(1, 2, 3)
	given.Table[0].InSync = []partition.NodeID{1, 3}
	given.Version, given.Table[0].Epoch, given.Table[0].Term = 11, 11, 11
	n.SetMap(given, n.now)
	n.Tick(n.now + tick)
	if r := n.Ready(); len(r.Changes) > 0 {
		t.Errorf("proposed %+v before node 3 could say anything", r.Changes)
	}
}
