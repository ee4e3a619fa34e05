package replica

import (
	"testing"
	"time"

	"pipelinedht/partition"
)

const tick = 50 * time.Millisecond

// untilChange lets time pass up to end for a node that is alone with peer 2, which
// falls silent at deaf: until then it answers beacons, and sends its own if it is a
// primary. It returns what the node proposed first, and when.
func untilChange(n *Node, primary bool, deaf, end time.Duration) (change partition.Change, at time.Duration) {
	for now := start; now < end; now += tick {
		if primary && now < deaf && (now-start)%n.cfg.Beacon == 0 {
			n.Receive(2, 1, &Beacon{Version: 10, Sent: now}, now)
		}
		n.Tick(now)
		n.Batch()
		r := n.Ready()
		if len(r.Changes) > 0 {
			return r.Changes[0], now
		}
		for _, out := range r.Control {
			if b, ok := out.Message.(*Beacon); ok && now < deaf {
				n.Receive(2, 1, &Grant{Version: b.Version, Sent: b.Sent, Taken: 9}, now)
			}
		}
	}
	return change, 0
}

// A node that had nothing to do for long looks at its copies less often, but not
// once something is the matter with a peer.
func TestAQuietPrimaryDropsASilentCopyAtTheNextTick(t *testing.T) {
	n := served(inSync(1, 2))
	lastBeacon := start + 20*time.Second
	change, at := untilChange(n, false, lastBeacon+tick, start+time.Minute)
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
	change, at := untilChange(n, true, lastBeacon+tick, start+time.Minute)
	if due := lastBeacon + n.cfg.Grant; change.Primary != 1 || at < due || at >= due+tick {
		t.Errorf("proposed %+v at %v, want itself as primary in [%v, %v)", change, at, due, due+tick)
	}
}

func TestANodeIsQuietUntilSomethingConcernsACopy(t *testing.T) {
	quiet := func() *Node {
		n := served(inSync(1, 2))
		untilChange(n, false, start+time.Hour, start+time.Minute)
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
