package fsm

import (
	"slices"
	"testing"

	"pipelinedht/partition"
)

func TestForgetPeer(t *testing.T) {
	down := func(l *log, ids ...partition.NodeID) {
		for _, id := range ids {
			l.must(1, &peerState{id, 1, turnDown})
		}
	}
	cases := []struct {
		name   string
		setup  func(*log)
		giveUp bool
		want   Refusal
	}{
		{"that is unknown", func(*log) {}, false, ErrUnknownPeer},
		{"that is up", func(l *log) { l.join(2, 3); l.fill() }, true, ErrNotDown},
		{"that leaves and is heard", func(l *log) { l.join(2, 3); l.fill(); l.must(1, &removePeer{2}) }, true, ErrNotDown},
		{"that is down, with copies elsewhere", func(l *log) { l.join(2, 3); l.fill(); down(l, 2) }, false, 0},
		{"that is down, with copies on another one that is", func(l *log) { l.join(2, 3); only(l, 0, 2, 3); down(l, 2, 3) }, false, 0},
		{"that is down with the last copy", func(l *log) { l.join(2, 3); only(l, 0, 2); down(l, 2) }, false, ErrLastCopy},
		{"that is down with the last copy, given up", func(l *log) { l.join(2, 3); only(l, 0, 2); down(l, 2) }, true, 0},
		{"that shares the last copies with one forgotten", func(l *log) {
			l.join(2, 3)
			only(l, 0, 2, 3)
			down(l, 2, 3)
			l.must(1, &forgetPeer{id: 3})
		}, false, ErrLastCopy},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := born(t, 8)
			c.setup(l)
			before := l.Map
			if got := l.by(1, &forgetPeer{2, c.giveUp}); got != c.want {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			if c.want != 0 && l.Map != before {
				t.Fatal("the map was changed")
			}
			p, ok := l.Map.Peer(2)
			if c.want == 0 && ok && (p.State != partition.Leaving || !p.Silent) {
				t.Fatalf("the forgotten peer: %+v", p)
			}
		})
	}
}

// only makes in the in-sync set of a partition, and its first the primary.
func only(l *log, id partition.ID, in ...partition.NodeID) {
	l.t.Helper()
	set := func(by, primary partition.NodeID, in ...partition.NodeID) {
		l.must(by, &changeCopies{[]partition.Change{{
			Partition: id, Epoch: l.Map.Table[id].Epoch, Primary: primary, InSync: sorted(in),
		}}})
	}
	set(1, 1, append(in, 1)...)
	set(in[0], in[0], in...)
	if row := l.Map.Table[id]; row.Primary != in[0] || !slices.Equal(row.InSync, sorted(in)) {
		l.t.Fatalf("partition %d: %+v", id, row)
	}
}

func TestWhatIsGivenUpBeginsAnew(t *testing.T) {
	l := born(t, 8)
	l.join(2, 3)
	l.fill()
	only(l, 4, 2)
	l.must(1, &peerState{2, 1, turnDown})
	before := l.Map
	l.must(1, &forgetPeer{2, true})
	v := l.Map.Version
	for i, row := range l.Map.Table {
		was := before.Table[i]
		if i != 4 {
			if row.Epoch != was.Epoch || row.Born != 0 {
				t.Errorf("partition %d: %+v became %+v", i, was, row)
			}
			continue
		}
		if row.Primary == 2 || len(row.InSync) != 1 || row.InSync[0] != row.Primary || row.Primary != row.Target[0] ||
			row.Epoch != partition.Epoch(v) || row.Term != partition.Term(v) || row.Born != v || row.MinInSync != 1 {
			t.Errorf("partition %d at version %d: %+v", i, v, row)
		}
	}
	again, err := decodeState(encodeState(l.State))
	if err != nil || again.Map.Table[4].Born != v {
		t.Errorf("from a snapshot: %v", err)
	}
}

func TestAPeerThatReturnsWhileItIsForgottenHandsOver(t *testing.T) {
	l := born(t, 8)
	l.join(2, 3)
	l.fill()
	l.must(1, &peerState{2, 1, turnDown})
	l.must(1, &forgetPeer{id: 2})
	if got := l.applyAs(header{2, 2, 1}, &peerUp{"h2:1"}); got != 0 {
		t.Fatal(got)
	}
	if p, _ := l.Map.Peer(2); p.State != partition.Leaving || p.Silent {
		t.Fatalf("after its start: %+v", p)
	}
}

func TestAPeerThatNeverCameUpIsNoneToHandOverTo(t *testing.T) {
	l := born(t, 8)
	l.join(2)
	if got := l.by(1, &removePeer{1}); got != ErrLastPeer {
		t.Fatalf("with a peer that was only added: %v", got)
	}
	l.must(2, &importDone{})
	l.must(1, &removePeer{1})
}

func TestTheOldPeerOfANameIsNotWaitedFor(t *testing.T) {
	l := born(t, 8)
	l.join(2)
	only(l, 0, 2)
	successor := joiner(3)
	successor.name, successor.address = "n2", "h2:1"
	l.must(1, successor)
	if p, _ := l.Map.Peer(2); p.State != partition.Leaving || !p.Silent || l.Map.Table[0].Primary != 2 {
		t.Fatalf("the old peer: %+v, its last copy: %+v", p, l.Map.Table[0])
	}
	if got := l.by(1, &forgetPeer{id: 2}); got != ErrLastCopy {
		t.Fatalf("forgotten without a word on its last copy: %v", got)
	}
	l.must(1, &forgetPeer{2, true})
	if _, ok := l.Map.Peer(2); ok || l.Map.Table[0].Primary == 2 {
		t.Fatalf("given up: peers %+v, row %+v", l.Map.Peers, l.Map.Table[0])
	}
}
