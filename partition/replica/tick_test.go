package replica

import (
	"testing"
	"time"
)

const tick = 50 * time.Millisecond

// A node that had nothing to do for long looks at its copies less often, but not
// once something is the matter with a peer.
func TestAQuietPrimaryDropsASilentCopyAtTheNextTick(t *testing.T) {
	n := served(inSync(1, 2))
	lastBeacon := start + 20*time.Second
	change, at := play(n, false, lastBeacon, start+time.Minute)
	if due := lastBeacon + n.cfg.Silence; len(change.InSync) != 1 || at <= due || at > due+tick {
		t.Errorf("proposed %+v at %v, want the set without the copy in (%v, %v]", change, at, due, due+tick)
	}
}

func TestAQuietBackupTakesOverAtTheNextTick(t *testing.T) {
	n := New(Normal(1, 1), nil, start)
	m := inSync(1, 2)
	m.Table[0].Primary = 2
	n.SetMap(m, start)
	lastBeacon := start + 20*time.Second
	change, at := play(n, true, lastBeacon, start+time.Minute)
	if due := lastBeacon + n.cfg.Grant; change.Primary != 1 || at < due || at >= due+tick {
		t.Errorf("proposed %+v at %v, want itself as primary in [%v, %v)", change, at, due, due+tick)
	}
}

func TestANodeIsQuietUntilSomethingConcernsACopy(t *testing.T) {
	quiet := func() *Node {
		n := served(inSync(1, 2))
		play(n, false, start+time.Hour, start+time.Minute)
		return n
	}
	if n := quiet(); !n.quiet() || n.Busy() || n.Rest() != n.nextBeacon-n.now {
		t.Fatal("a node without work is not quiet until its next beacon")
	}
	for what, happens := range map[string]func(*Node){
		"a write":                func(n *Node) { n.Propose(1, putOp(1), Seen{}, n.now, 1000); n.Batch() },
		"a message":              func(n *Node) { n.Receive(2, 1, &Ack{Copies: []Durable{{Term: 10}}}, n.now) },
		"a refused connection":   func(n *Node) { n.Refused(2, n.now) },
		"a peer that stops":      func(n *Node) { n.Receive(2, 1, &Grant{Version: 10, Sent: n.now, Taken: 9, Stopping: true}, n.now) },
		"a new map":              func(n *Node) { m := *inSync(1, 2); m.Version++; n.SetMap(&m, n.now) },
		"a pause of the process": func(n *Node) { n.Tick(n.now + time.Second) },
	} {
		n := quiet()
		if happens(n); n.quiet() || !n.Busy() || n.Rest() != 0 {
			t.Errorf("%s leaves the node quiet", what)
		}
	}
}
