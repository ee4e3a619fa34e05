package fsm

import (
	"slices"
	"testing"

	"pipelinedht/partition"
)

func TestDepartingBarsJoinersUntilStay(t *testing.T) {
	l := born(t, 8)
	if got := l.by(1, &departing{0}); got != ErrInvalid {
		t.Fatalf("no join id: %v", got)
	}
	l.must(1, &departing{50})
	l.must(1, &departing{50})
	if l.Map.Departing != 50 || l.Map.Version != 2 {
		t.Fatalf("departing %d at version %d", l.Map.Departing, l.Map.Version)
	}
	for name, c := range map[string]command{
		"a joiner": joiner(2), "another departing": &departing{51}, "another's stay": &stay{51},
	} {
		if got := l.by(1, c); got != ErrDeparting {
			t.Fatalf("%s: %v", name, got)
		}
	}
	l.must(1, &stay{50})
	l.must(1, &stay{50})
	l.join(2)
	if got := l.by(1, &departing{52}); got != ErrNotAlone {
		t.Fatalf("departing from a cluster of two: %v", got)
	}
}

func TestRemovePeer(t *testing.T) {
	cases := []struct {
		name  string
		setup func(*log)
		id    partition.NodeID
		want  Refusal
	}{
		{"that is unknown", func(l *log) { l.join(2) }, 7, ErrUnknownPeer},
		{"that is the only one", func(*log) {}, 1, ErrLastPeer},
		{"when all others are down", func(l *log) { l.join(2); l.must(1, &peerState{2, 1, turnDown}) }, 1, ErrLastPeer},
		{"when all others leave", func(l *log) { l.join(2); l.fill(); l.must(1, &removePeer{2}) }, 1, ErrLastPeer},
		{"that is down with the last copies", func(l *log) { l.join(2, 3); l.must(2, &peerState{1, 1, turnDown}) }, 1, ErrLastCopy},
		{"that is down, with copies elsewhere", func(l *log) { l.join(2, 3); l.fill(); l.must(2, &peerState{3, 1, turnDown}) }, 3, 0},
		{"that is live with the last copies", func(l *log) { l.join(2) }, 1, 0},
		{"twice", func(l *log) { l.join(2); l.fill(); l.must(1, &removePeer{2}) }, 2, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := born(t, 8)
			c.setup(l)
			before := l.Map
			proposer := l.Map.Peers[len(l.Map.Peers)-1].ID
			if got := l.by(proposer, &removePeer{c.id}); got != c.want {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			if c.want != 0 {
				if l.Map != before {
					t.Fatal("the map was changed")
				}
				return
			}
			if got := l.state(c.id); got != partition.Leaving {
				t.Fatalf("the peer is %v", got)
			}
		})
	}
}

func TestALeavingPeerIsDroppedWithItsLastCopy(t *testing.T) {
	l := born(t, 8)
	l.join(2, 3)
	l.fill()
	for i, row := range l.Map.Table {
		if row.MinInSync != 2 {
			t.Fatalf("partition %d, filled, has minimum %d", i, row.MinInSync)
		}
	}
	l.must(1, &removePeer{3})
	if l.Map.Wanted() != 2 || l.Map.Table[0].MinInSync != 1 {
		t.Fatalf("wanted %d, minimum %d", l.Map.Wanted(), l.Map.Table[0].MinInSync)
	}
	for i := range l.Map.Table {
		if _, ok := l.Map.Peer(3); !ok {
			t.Fatalf("dropped with %d copies left", len(l.Map.Table)-i)
		}
		set := func(primary partition.NodeID, in ids) {
			row := l.Map.Table[i]
			l.must(row.Primary, &changeCopies{[]partition.Change{
				{Partition: partition.ID(i), Epoch: row.Epoch, Primary: primary, InSync: in},
			}})
		}
		row := l.Map.Table[i]
		rest := slices.DeleteFunc(slices.Clone(row.InSync), func(id partition.NodeID) bool { return id == 3 })
		if row.Primary == 3 {
			set(rest[0], row.InSync)
		}
		set(l.Map.Table[i].Primary, rest)
	}
	if _, ok := l.Map.Peer(3); ok || !l.isGone(3) {
		t.Fatalf("not dropped: %+v", l.Map.Peers)
	}
	if got := l.by(3, &importDone{}); got != ErrUnknownPeer {
		t.Fatalf("a proposal of the dropped peer: %v", got)
	}
}

func TestAPeerWithoutCopiesIsDroppedAtOnce(t *testing.T) {
	l := born(t, 8)
	l.join(2)
	l.must(1, &removePeer{2})
	if _, ok := l.Map.Peer(2); ok || !l.isGone(2) || l.Map.Version != 3 {
		t.Fatalf("peers %+v, version %d", l.Map.Peers, l.Map.Version)
	}
}
