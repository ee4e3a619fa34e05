package fsm

import (
	"slices"
	"testing"

	"pipelinedht/partition"
)

func TestPeerUpBeginsNewTerms(t *testing.T) {
	l := born(t, 8)
	l.join(2, 3)
	l.fill()
	before := l.Map
	if got := l.applyAs(header{1, 4, 1}, &peerUp{"new:2"}); got != 0 {
		t.Fatal(got)
	}
	p, _ := l.Map.Peer(1)
	v := l.Map.Version
	if p.Incarnation != 4 || p.Address != "new:2" || p.UpAt != v || v != before.Version+1 {
		t.Fatalf("peer %+v at version %d", p, v)
	}
	for i, row := range l.Map.Table {
		was := before.Table[i]
		if row.Primary == 1 {
			was.Epoch, was.Term = partition.Epoch(v), partition.Term(v)
		}
		if row.Epoch != was.Epoch || row.Term != was.Term || !slices.Equal(row.InSync, was.InSync) {
			t.Fatalf("partition %d: got %+v, want %+v", i, row, was)
		}
	}
}

func TestPeerUpOfTheSameIncarnationMovesTheAddressOnly(t *testing.T) {
	l := born(t, 8)
	before := l.Map
	l.must(1, &peerUp{"h1:1"})
	if l.Map != before {
		t.Fatal("the same address changed the map")
	}
	l.must(1, &peerUp{"h1:2"})
	p, _ := l.Map.Peer(1)
	if p.Address != "h1:2" || p.UpAt != 1 || l.Map.Table[0].Term != 1 {
		t.Fatalf("peer %+v, row %+v", p, l.Map.Table[0])
	}
	if got := l.by(1, &peerUp{""}); got != ErrInvalid {
		t.Fatalf("no address: %v", got)
	}
}

func TestPeerStates(t *testing.T) {
	cases := []struct {
		name  string
		turns []turn
		want  partition.PeerState
		last  Refusal
		moves bool // the last turn changes the map
	}{
		{"down", []turn{turnDown}, partition.Down, 0, true},
		{"down twice", []turn{turnDown, turnDown}, partition.Down, 0, false},
		{"back without having been down", []turn{turnBack}, partition.Active, 0, false},
		{"down and back", []turn{turnDown, turnBack}, partition.Active, 0, true},
		{"replaced", []turn{turnDown, turnReplaced}, partition.Replaced, 0, true},
		{"replaced while active", []turn{turnReplaced}, partition.Active, ErrNotDown, false},
		{"replaced and down", []turn{turnDown, turnReplaced, turnDown}, partition.Replaced, 0, false},
		{"replaced and back", []turn{turnDown, turnReplaced, turnBack}, partition.Active, 0, true},
		{"nonsense", []turn{9}, partition.Active, ErrInvalid, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := born(t, 8)
			l.join(2, 3, 4)
			l.fill()
			var got Refusal
			var before *partition.Map
			for _, turn := range c.turns {
				before = l.Map
				got = l.by(1, &peerState{2, 1, turn})
			}
			if got != c.last || l.state(2) != c.want || (l.Map != before) != c.moves {
				t.Fatalf("got %v, state %v, map changed %v", got, l.state(2), l.Map != before)
			}
			planned := false
			for _, row := range l.Map.Table {
				planned = planned || slices.Contains(row.Target, 2)
			}
			if planned != (c.want != partition.Replaced) {
				t.Fatalf("planned on the peer: %v", planned)
			}
		})
	}
}

func TestPeerStateIsAboutOneIncarnation(t *testing.T) {
	l := born(t, 8)
	l.join(2)
	if got := l.by(1, &peerState{2, 2, turnDown}); got != ErrStale {
		t.Fatalf("an incarnation to come: %v", got)
	}
	if got := l.by(1, &peerState{7, 1, turnDown}); got != ErrUnknownPeer {
		t.Fatalf("an unknown peer: %v", got)
	}
	l.fill()
	l.must(1, &removePeer{2})
	l.must(1, &peerState{2, 1, turnDown})
	if got := l.state(2); got != partition.Leaving {
		t.Fatalf("the leaving peer is %v", got)
	}
}

func TestPeerUpWakes(t *testing.T) {
	for _, turns := range [][]turn{{turnDown}, {turnDown, turnReplaced}} {
		l := born(t, 8)
		l.join(2, 3, 4)
		l.fill()
		for _, turn := range turns {
			l.must(1, &peerState{2, 1, turn})
		}
		if got := l.applyAs(header{2, 2, 1}, &peerUp{"h2:1"}); got != 0 {
			t.Fatal(got)
		}
		if got := l.state(2); got != partition.Active || !l.Map.Holds(2) {
			t.Fatalf("after %v: %v, has copies planned: %v", turns, got, l.Map.Holds(2))
		}
	}
}

func TestARowBelowItsMinimumReplacesAtOnce(t *testing.T) {
	l := born(t, 8)
	l.join(2, 3, 4, 5)
	l.fill()
	l.must(1, &peerState{4, 1, turnDown})
	if got := l.state(4); got != partition.Down {
		t.Fatalf("one of three copies down, and the peer is %v", got)
	}
	l.must(1, &peerState{5, 1, turnDown})
	if l.state(4) != partition.Replaced || l.state(5) != partition.Replaced {
		t.Fatalf("two of three copies down, and the peers are %v, %v", l.state(4), l.state(5))
	}
	for i, row := range l.Map.Table {
		if slices.Contains(row.Target, 4) || slices.Contains(row.Target, 5) {
			t.Fatalf("partition %d is planned on %v", i, row.Target)
		}
	}
}

func TestLosingALiveCopyReplacesDownPeersAtOnce(t *testing.T) {
	l := born(t, 1)
	l.join(2, 3, 4)
	l.fill()
	row := l.Map.Table[0]
	var away, other partition.NodeID
	for _, id := range row.InSync {
		if id != row.Primary {
			away, other = other, id
		}
	}
	l.must(row.Primary, &peerState{away, 1, turnDown})
	if got := l.state(away); got != partition.Down {
		t.Fatalf("the down peer is %v", got)
	}
	// The other live backup is dropped for slowness: one live copy of three.
	l.must(row.Primary, &changeCopies{[]partition.Change{
		{Partition: 0, Epoch: row.Epoch, Primary: row.Primary, InSync: sorted([]partition.NodeID{row.Primary, away})},
	}})
	if got := l.state(away); got != partition.Replaced {
		t.Fatalf("the down peer is %v; row %+v, live peer %d", got, l.Map.Table[0], other)
	}
}
