package replica

import (
	"testing"
	"time"

	"pipelinedht/partition"
)

// TestAPauseOfThePrimaryIsNobodysSilence: whatever the primary takes in first when
// its process goes on, the other copies get the time to be heard.
func TestAPauseOfThePrimaryIsNobodysSilence(t *testing.T) {
	const pause = 1300 * time.Millisecond // more than Silence, less than Grant
	inputs := map[string]func(n *Node, now time.Duration){
		"a tick":            func(*Node, time.Duration) {},
		"a beacon":          func(n *Node, now time.Duration) { n.Receive(3, 1, &Beacon{Version: 10}, now) },
		"a finished write":  func(n *Node, now time.Duration) { n.Stored(nil, now) },
		"a read":            func(n *Node, now time.Duration) { n.CheckRead(0, 10, nil, now) },
		"a lost connection": func(n *Node, now time.Duration) { n.Lost(4, now) },
	}
	for first, input := range inputs {
		t.Run(first, func(t *testing.T) {
			m := onePartition(1, 2, 3)
			m.Table[0].InSync = m.Table[0].Target
			now := start
			n := New(Normal(1, 1), nil, now)
			n.SetMap(m, now)
			hear := func() {
				for _, id := range []partition.NodeID{2, 3} {
					n.Receive(id, 1, &Grant{Version: 10, Sent: now, Taken: 9}, now)
				}
			}
			for _, id := range []partition.NodeID{2, 3} {
				n.Receive(id, 1, &Position{Term: 10}, now)
			}
			for range 20 {
				now += 50 * time.Millisecond
				hear()
				n.Tick(now)
			}
			if err := n.CheckRead(0, 10, nil, now); err != nil {
				t.Fatalf("before the pause: %v", err)
			}
			now += pause
			input(n, now)
			now += time.Millisecond
			n.Tick(now)
			if r := n.Ready(); len(r.Changes) > 0 {
				t.Errorf("after a pause of %v: proposes %+v", pause, r.Changes)
			}
		})
	}
}
