package partition_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"pipelinedht/partition"
)

func peers(states ...partition.PeerState) []partition.Peer {
	var peers []partition.Peer
	for i, s := range states {
		peers = append(peers, partition.Peer{ID: partition.NodeID(10 * (i + 1)), State: s})
	}
	return peers
}

func TestPeerIsFoundByID(t *testing.T) {
	m := partition.Map{Peers: peers(partition.Active, partition.Down, partition.Leaving)}
	for _, p := range m.Peers {
		if got, ok := m.Peer(p.ID); !ok || got != p {
			t.Errorf("Peer(%v): got %v, %v, want %v", p.ID, got, ok, p)
		}
	}
	for _, id := range []partition.NodeID{0, 5, 15, 31} {
		if got, ok := m.Peer(id); ok {
			t.Errorf("Peer(%v): got %v, want none", id, got)
		}
	}
}

func TestPeerNamedPrefersOneThatStays(t *testing.T) {
	const active, leaving = partition.Active, partition.Leaving
	for _, x := range []struct {
		name   string
		states []partition.PeerState // of the peers 10, 20, ..., all of that name
		want   partition.NodeID
	}{
		{"nobody", nil, 0},
		{"one that stays", []partition.PeerState{active}, 10},
		{"one that leaves", []partition.PeerState{leaving}, 10},
		{"the name was taken over", []partition.PeerState{leaving, active}, 20},
		{"the name was taken over, ids the other way", []partition.PeerState{active, leaving}, 10},
	} {
		m := partition.Map{Peers: peers(x.states...)}
		for i := range m.Peers {
			m.Peers[i].Name = "n"
		}
		if got, ok := m.PeerNamed("n"); got.ID != x.want || ok != (x.want != 0) {
			t.Errorf("%s: got %v, %v, want %v", x.name, got.ID, ok, x.want)
		}
		if got, ok := m.PeerNamed("m"); ok {
			t.Errorf("%s: got %v for a name that nobody has", x.name, got.ID)
		}
	}
}

func TestWantedCopiesFollowThePeersThatStay(t *testing.T) {
	for _, x := range []struct {
		states   []partition.PeerState
		replicas int
		want     int
	}{
		{peersOf(1, partition.Active), 3, 1},
		{peersOf(5, partition.Active), 3, 3},
		{peersOf(3, partition.Down), 3, 3},
		{[]partition.PeerState{partition.Active, partition.Leaving, partition.Replaced}, 3, 2},
		{[]partition.PeerState{partition.Active, partition.Active, partition.Leaving}, 1, 1},
	} {
		m := partition.Map{Settings: partition.Settings{Replicas: x.replicas}, Peers: peers(x.states...)}
		if got := m.Wanted(); got != x.want {
			t.Errorf("peers %v, %d replicas: got %d copies wanted, want %d", x.states, x.replicas, got, x.want)
		}
	}
}

func peersOf(n int, s partition.PeerState) []partition.PeerState {
	states := make([]partition.PeerState, n)
	for i := range states {
		states[i] = s
	}
	return states
}

func TestRowIsSettledWhenItIsItsTarget(t *testing.T) {
	ids := func(ids ...partition.NodeID) []partition.NodeID { return ids }
	for _, x := range []struct {
		name string
		row  partition.Row
		want bool
	}{
		{"no target yet", partition.Row{Primary: 1, InSync: ids(1)}, false},
		{"as wanted", partition.Row{Primary: 2, InSync: ids(1, 2), Target: ids(2, 1)}, true},
		{"another primary", partition.Row{Primary: 1, InSync: ids(1, 2), Target: ids(2, 1)}, false},
		{"a copy is missing", partition.Row{Primary: 1, InSync: ids(1), Target: ids(1, 2)}, false},
		{"a copy is left over", partition.Row{Primary: 1, InSync: ids(1, 2), Target: ids(1)}, false},
		{"a copy is elsewhere", partition.Row{Primary: 1, InSync: ids(1, 2), Target: ids(1, 3)}, false},
	} {
		if got := x.row.Settled(); got != x.want {
			t.Errorf("%s: %+v: got settled %v, want %v", x.name, x.row, got, x.want)
		}
	}
}

func TestMapIsSettledWhenNothingIsOnItsWay(t *testing.T) {
	settled := func() *partition.Map {
		w := size{3, 8, 2}.settled()
		return &w.Map
	}
	for _, x := range []struct {
		name   string
		change func(m *partition.Map)
		want   bool
	}{
		{"nothing", func(*partition.Map) {}, true},
		{"a peer is down", func(m *partition.Map) { m.Peers[0].State = partition.Down }, true},
		{"a peer is leaving", func(m *partition.Map) { m.Peers[0].State = partition.Leaving }, false},
		{"a peer is importing", func(m *partition.Map) { m.Peers[0].Importing = true }, false},
		{"a copy is missing", func(m *partition.Map) { m.Table[7].InSync = m.Table[7].InSync[:1] }, false},
	} {
		m := settled()
		x.change(m)
		if got := m.Settled(); got != x.want {
			t.Errorf("%s: got settled %v, want %v", x.name, got, x.want)
		}
		if got, want := m.Importing(), m.Peers[0].Importing; got != want {
			t.Errorf("%s: got importing %v, want %v", x.name, got, want)
		}
	}
}

func TestHoldsCountsCopiesAndTargets(t *testing.T) {
	m := partition.Map{Table: []partition.Row{
		{InSync: []partition.NodeID{1}, Target: []partition.NodeID{1}},
		{InSync: []partition.NodeID{2}, Target: []partition.NodeID{3}},
	}}
	for id, want := range map[partition.NodeID]bool{1: true, 2: true, 3: true, 4: false} {
		if got := m.Holds(id); got != want {
			t.Errorf("node %v: got holds %v, want %v", id, got, want)
		}
	}
}

func TestMapReadsBackFromJSON(t *testing.T) {
	w := size{4, 8, 3}.settled()
	w.Cluster, w.Version, w.Stamp, w.Departing = 1<<63, 7, 1<<60, 1<<62
	for i := range w.Peers {
		w.Peers[i].State = partition.PeerState(i) // each once
	}
	text, err := json.Marshal(&w.Map)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	var got partition.Map
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("unmarshal %s: %v", text, err)
	}
	if !reflect.DeepEqual(got, w.Map) {
		t.Errorf("got %+v, want %+v", got, w.Map)
	}
	if err := json.Unmarshal([]byte(`"up"`), new(partition.PeerState)); err == nil {
		t.Error("peer state \"up\": got no error, want one")
	}
}
