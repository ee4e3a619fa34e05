package node

import (
	"context"
	"time"

	"pipelinedht/partition"
)

// course is where a node goes that was asked to join others. Whoever joined it before
// it has arrived would be left by it again. So it lets nobody in while it stands alone,
// and who is to join it waits. Of nodes that are to join one another in a ring all
// would wait: there the one whose cluster has the lowest id stays and lets the next one
// in, and is a member where it was to go when the ring has come round.
type course struct {
	toward string    // address of the node to be joined; "": none has answered yet
	begun  time.Time // with no toward: who finds nobody to join is not barred for long
	stays  bool
}

// ringMax is how many nodes a ring may have. In a longer one nobody stays: its joins
// wait until one of them is given up.
const ringMax = 64

// barred reports whether the node, which stands alone, is about to join others.
func (l *life) barred(m *partition.Map) bool {
	c := l.cfg.course.Load()
	return c != nil && !c.stays && standalone(m, l) && (c.toward != "" || time.Since(c.begun) < askTimeout)
}

// toward returns the address of the node that this one is about to join; "" if none.
func (l *life) toward() string {
	if c := l.cfg.course.Load(); c != nil {
		return c.toward
	}
	return ""
}

// stays reports whether who is to join whom, from a target on, leads back to this
// node's own cluster, by way of none with a lower id.
func (l *life) stays(ctx context.Context, t *target) bool {
	w := &t.who
	for range ringMax {
		if w.Toward == "" || w.Cluster < l.record.Cluster {
			return false
		}
		one, cancel := context.WithTimeout(ctx, askTimeout)
		next, err := l.whois(one, w.Toward)
		cancel()
		if err != nil {
			return false
		}
		if next.Cluster == l.record.Cluster {
			return true
		}
		w = next
	}
	return false
}

// address of the node that answered, as it tells others.
func (t *target) address() string {
	m := partition.Map{Peers: t.Peers}
	if p, ok := m.Peer(t.Node); ok {
		return p.Address
	}
	return t.addresses[0]
}
