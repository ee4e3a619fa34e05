package fsm

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"pipelinedht/partition"
)

// log applies commands to a state under numbers that rise.
type log struct {
	t testing.TB
	*State
	number map[partition.NodeID]uint64
}

// born returns the log of a cluster just founded by node 1, of q partitions.
func born(t testing.TB, q int) *log {
	t.Helper()
	l := &log{t: t, State: &State{}, number: make(map[partition.NodeID]uint64)}
	f := &found{
		cluster:  9,
		settings: partition.Settings{Partitions: q, Replicas: 3, Hash: "xxhash64"},
		stamp:    3, name: "n1", address: "h1:1",
	}
	if got := l.applyAs(header{1, 1, 0}, f); got != 0 {
		t.Fatalf("founding: %v", got)
	}
	return l
}

func (l *log) applyAs(h header, c command) Refusal {
	l.t.Helper()
	before, was := encodeState(l.State), l.State
	next, result, _ := l.State.apply(h, c)
	if !bytes.Equal(before, encodeState(was)) {
		l.t.Fatalf("%T changed the state that it was applied to", c)
	}
	l.State = next
	return result
}

// by applies the command as the peer's next one, in its present incarnation.
func (l *log) by(id partition.NodeID, c command) Refusal {
	l.t.Helper()
	p, _ := l.Map.Peer(id)
	l.number[id]++
	return l.applyAs(header{id, p.Incarnation, l.number[id]}, c)
}

// must is by, for what has to succeed.
func (l *log) must(id partition.NodeID, c command) {
	l.t.Helper()
	if got := l.by(id, c); got != 0 {
		l.t.Fatalf("%T: %v", c, got)
	}
}

// join adds peers, as node 1.
func (l *log) join(ids ...partition.NodeID) {
	l.t.Helper()
	for _, id := range ids {
		l.must(1, joiner(id))
	}
}

func joiner(id partition.NodeID) *addPeer {
	n := string(rune('0' + id))
	return &addPeer{id: id, joinID: 100 + uint64(id), stamp: 5, name: "n" + n, address: "h" + n + ":1"}
}

// fill gives every row its target as in-sync set, by the primary's own word.
func (l *log) fill() {
	l.t.Helper()
	for _, p := range l.Map.Peers {
		var changes []partition.Change
		for i, row := range l.Map.Table {
			if row.Primary != p.ID || slices.Equal(row.InSync, sorted(row.Target)) {
				continue
			}
			in := sorted(row.Target)
			if !slices.Contains(in, row.Primary) {
				in = sorted(append(in, row.Primary))
			}
			changes = append(changes, partition.Change{Partition: partition.ID(i), Epoch: row.Epoch, Primary: row.Primary, InSync: in})
		}
		l.must(p.ID, &changeCopies{changes: changes})
	}
}

func sorted(ids []partition.NodeID) []partition.NodeID {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return ids
}

func (l *log) state(id partition.NodeID) partition.PeerState {
	l.t.Helper()
	p, ok := l.Map.Peer(id)
	if !ok {
		l.t.Fatalf("node %d is no peer", id)
	}
	return p.State
}

func TestTheFounderHasEverythingAlone(t *testing.T) {
	l := born(t, 4)
	want := &partition.Map{
		Cluster:  9,
		Settings: partition.Settings{Partitions: 4, Replicas: 3, Hash: "xxhash64"},
		Version:  1,
		Stamp:    3,
		Peers:    []partition.Peer{{ID: 1, Name: "n1", Address: "h1:1", Incarnation: 1, UpAt: 1}},
	}
	for range 4 {
		want.Table = append(want.Table, partition.Row{
			Epoch: 1, Term: 1, Primary: 1, InSync: []partition.NodeID{1}, Target: []partition.NodeID{1}, MinInSync: 1,
		})
	}
	if !reflect.DeepEqual(l.Map, want) {
		t.Fatalf("got %+v\nwant %+v", l.Map, want)
	}
	if got := l.applyAs(header{2, 1, 0}, &found{cluster: 1, settings: want.Settings, name: "x", address: "y"}); got != ErrVoid || l.Map.Cluster != 9 {
		t.Fatalf("a second founding: %v, cluster %v", got, l.Map.Cluster)
	}
}

func TestNothingIsAppliedBeforeTheFounding(t *testing.T) {
	l := &log{t: t, State: &State{}}
	if got := l.applyAs(header{1, 1, 1}, joiner(2)); got != ErrUnknownPeer || l.Map != nil {
		t.Fatalf("got %v, map %v", got, l.Map)
	}
	bad := &found{cluster: 9, settings: partition.Settings{Partitions: 0, Replicas: 3, Hash: "xxhash64"}, name: "a", address: "b"}
	if got := l.applyAs(header{1, 1, 0}, bad); got != ErrInvalid || l.Map != nil {
		t.Fatalf("founding without partitions: %v, map %v", got, l.Map)
	}
}

func TestCommandsAreNumberedByTheirProposer(t *testing.T) {
	cases := []struct {
		name string
		h    header
		c    command
		want Refusal
	}{
		{"the next number", header{1, 1, 8}, joiner(3), 0},
		{"a gap", header{1, 1, 80}, joiner(3), 0},
		{"the number before", header{1, 1, 7}, joiner(3), ErrVoid},
		{"an old number", header{1, 1, 3}, joiner(3), ErrVoid},
		{"another proposer's low number", header{2, 1, 1}, joiner(3), 0},
		{"number 0", header{2, 1, 0}, joiner(3), ErrVoid},
		{"somebody who is no peer", header{5, 1, 100}, joiner(3), ErrUnknownPeer},
		{"an earlier incarnation", header{1, 0, 100}, joiner(3), ErrStale},
		{"an incarnation that is not up yet", header{1, 2, 1}, joiner(3), ErrStale},
		{"PeerUp of a new incarnation from number 1", header{1, 2, 1}, &peerUp{"h1:1"}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := born(t, 4)
			l.number[1] = 6
			l.join(2)
			was := l.Map.Version
			if got := l.applyAs(c.h, c.c); got != c.want {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			wantVersion := was
			if c.want == 0 {
				wantVersion++
			}
			if l.Map.Version != wantVersion {
				t.Fatalf("ring version %d, want %d", l.Map.Version, wantVersion)
			}
		})
	}
}

func TestARefusedCommandIsRemembered(t *testing.T) {
	l := born(t, 4)
	before := l.Map
	if got := l.by(1, &removePeer{1}); got != ErrLastPeer {
		t.Fatalf("got %v", got)
	}
	if l.Map != before {
		t.Fatal("the map was changed")
	}
	if p, _ := l.progressOf(1); p.result != ErrLastPeer || p.number != 1 {
		t.Fatalf("progress %+v", p)
	}
	if got := l.applyAs(header{1, 1, 1}, joiner(2)); got != ErrVoid {
		t.Fatalf("its number used again: %v", got)
	}
}
