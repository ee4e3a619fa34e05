package fsm

import (
	"testing"

	"pipelinedht/partition"
)

func TestAddPeerPlansAnew(t *testing.T) {
	l := born(t, 8)
	l.join(2)
	p, _ := l.Map.Peer(2)
	want := partition.Peer{ID: 2, Name: "n2", Address: "h2:1", Incarnation: 1, Importing: true, JoinID: 102, UpAt: 2}
	if p != want {
		t.Fatalf("got %+v, want %+v", p, want)
	}
	if l.Map.Version != 2 || l.Map.Stamp != 5 {
		t.Fatalf("version %d, stamp %d", l.Map.Version, l.Map.Stamp)
	}
	for i, row := range l.Map.Table {
		if len(row.Target) != 2 || len(row.InSync) != 1 || row.Epoch != 1 || row.MinInSync != 1 {
			t.Fatalf("partition %d: %+v", i, row)
		}
	}
	low := joiner(3)
	low.stamp = 4
	l.must(1, low)
	if l.Map.Stamp != 5 {
		t.Fatalf("the stamp fell to %d", l.Map.Stamp)
	}
}

func TestAddPeerIsRefused(t *testing.T) {
	at := func(id partition.NodeID, change func(*addPeer)) *addPeer {
		c := joiner(id)
		change(c)
		return c
	}
	named := func(name, address string) func(*addPeer) {
		return func(c *addPeer) { c.name, c.address = name, address }
	}
	cases := []struct {
		name  string
		setup func(*log)
		c     *addPeer
		want  Refusal
	}{
		{"without a name", nil, at(4, named("", "h4:1")), ErrInvalid},
		{"without an address", nil, at(4, named("n4", "")), ErrInvalid},
		{"without an id", nil, at(4, func(c *addPeer) { c.id = 0 }), ErrInvalid},
		{"without a join id", nil, at(4, func(c *addPeer) { c.joinID = 0 }), ErrInvalid},
		{"under a live peer's name", nil, at(4, named("n2", "h4:1")), ErrNameTaken},
		{"under a peer's id, by another join", nil, at(2, func(c *addPeer) { c.joinID = 9 }), ErrIDTaken},
		{"under another joiner's join id", nil, at(4, func(c *addPeer) { c.joinID = 102 }), ErrBarred},
		{"under an aborted join id", func(l *log) { l.must(1, &abortJoin{104}) }, joiner(4), ErrBarred},
		{"under the id of a peer that is gone", func(l *log) { l.must(1, &removePeer{2}) }, joiner(2), ErrBarred},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := born(t, 8)
			l.join(2, 3)
			if c.setup != nil {
				c.setup(l)
			}
			before := l.Map
			if got := l.by(3, c.c); got != c.want || l.Map != before {
				t.Fatalf("got %v, want %v; map changed: %v", got, c.want, l.Map != before)
			}
		})
	}
}

func TestAddPeerRepeatedChangesNothing(t *testing.T) {
	l := born(t, 8)
	l.join(2)
	before := l.Map
	again := joiner(2)
	again.stamp, again.address = 99, "elsewhere:1"
	l.must(1, again)
	if l.Map != before {
		t.Fatalf("got %+v, want %+v", l.Map, before)
	}
}

func TestANameIsTakenOverFromThePeerThatLostIt(t *testing.T) {
	cases := []struct {
		name    string
		turns   []turn
		address string
	}{
		{"that is down", []turn{turnDown}, "other:1"},
		{"that is replaced", []turn{turnDown, turnReplaced}, "other:1"},
		{"whose address the joiner has", nil, "h2:1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := born(t, 8)
			l.join(2, 3)
			l.fill()
			for _, turn := range c.turns {
				l.must(1, &peerState{2, 1, turn})
			}
			l.must(1, &addPeer{id: 4, joinID: 104, name: "n2", address: c.address})
			if got := l.state(2); got != partition.Leaving {
				t.Fatalf("the old peer is %v", got)
			}
			if got := l.state(4); got != partition.Active {
				t.Fatalf("the new peer is %v", got)
			}
			for i, row := range l.Map.Table {
				for _, id := range row.Target {
					if id == 2 {
						t.Fatalf("partition %d is still planned on the old peer: %v", i, row.Target)
					}
				}
			}
			if p, _ := l.Map.PeerNamed("n2"); p.ID != 4 {
				t.Fatalf("the name means node %d", p.ID)
			}
		})
	}
}

func TestAbortJoin(t *testing.T) {
	l := born(t, 8)
	if got := l.by(1, &abortJoin{0}); got != ErrInvalid {
		t.Fatalf("no join id: %v", got)
	}
	before := l.Map
	l.must(1, &abortJoin{102})
	l.must(1, &abortJoin{102})
	if l.Map != before {
		t.Fatal("the map was changed")
	}
	if got := l.by(1, joiner(2)); got != ErrBarred {
		t.Fatalf("the join after its abort: %v", got)
	}
	l.join(3)
	if got := l.by(1, &abortJoin{103}); got != ErrJoined {
		t.Fatalf("the abort after the join: %v", got)
	}
	l.must(1, &removePeer{3})
	l.must(1, &abortJoin{103})
}

func TestImportDoneTakesTheProposersMarkOff(t *testing.T) {
	l := born(t, 8)
	l.join(2, 3)
	l.must(2, &importDone{})
	two, _ := l.Map.Peer(2)
	three, _ := l.Map.Peer(3)
	if two.Importing || !three.Importing {
		t.Fatalf("importing: %v, %v", two.Importing, three.Importing)
	}
	before := l.Map
	l.must(2, &importDone{})
	if l.Map != before {
		t.Fatal("the repeat changed the map")
	}
}
