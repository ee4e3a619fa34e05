package transport

import (
	"testing"

	"pipelinedht/partition"
)

func TestPeersWithoutConnectionAreForgottenWhenThereAreTooMany(t *testing.T) {
	transport := New(Config{})
	table := &transport.peers
	connected := partition.NodeID(7)
	table.peer(connected, transport).links[Small].conn.Store(&conn{})
	for id := partition.NodeID(1); id <= 2*maxPeers; id++ {
		if _, ok := table.hear(Identity{Node: id, Incarnation: 1, Address: "a:1"}, transport); !ok {
			t.Fatalf("node %v was taken for an earlier incarnation", id)
		}
		if n := len(*table.all.Load()); n > maxPeers {
			t.Fatalf("%d peers are remembered, limit %d", n, maxPeers)
		}
	}
	if table.known(connected) == nil {
		t.Error("a peer with a connection was forgotten")
	}
	if table.known(2*maxPeers) == nil {
		t.Error("the newest peer was forgotten")
	}
}

func TestARaisedIncarnationEndsTheConnectionsOfTheEarlierOne(t *testing.T) {
	transport := New(Config{})
	table := &transport.peers
	old, young := &conn{remote: Identity{Incarnation: 1}}, &conn{remote: Identity{Incarnation: 2}}
	q := table.peer(9, transport)
	q.in[Small].conn, q.in[Small].serial = old, 77
	q.links[Small].conn.Store(old)
	q.links[Bulk].conn.Store(young)
	if stale, ok := table.hear(Identity{Node: 9, Incarnation: 2}, transport); !ok || len(stale) != 2 || stale[0] != old || stale[1] != old {
		t.Errorf("stale connections %v, ok %v; want the two of incarnation 1", stale, ok)
	}
	if q.in[Small].serial != 0 {
		t.Error("dials of the new incarnation are numbered on from the old one's")
	}
	if _, ok := table.hear(Identity{Node: 9, Incarnation: 1}, transport); ok {
		t.Error("the earlier incarnation was heard after the later one")
	}
}
