package fsm

import (
	"reflect"
	"testing"
	"time"

	"pipelinedht/partition"
)

func TestDiagnose(t *testing.T) {
	const replaceAfter = time.Minute
	active := partition.Peer{ID: 2, Incarnation: 3}
	in := func(s partition.PeerState) partition.Peer {
		p := active
		p.State = s
		return p
	}
	unheard := in(partition.Leaving)
	unheard.Silent = true
	newcomer := partition.Peer{ID: 2, Incarnation: 1, Importing: true, State: partition.Down}
	say := func(t turn) command { return &peerState{2, 3, t} }
	cases := []struct {
		name  string
		p     partition.Peer
		s     sighting
		holds bool
		want  command
	}{
		{"active and heard", active, sighting{true, downAfter - 1, downAfter}, true, nil},
		{"active and silent", active, sighting{true, downAfter, downAfter}, true, say(turnDown)},
		{"active, not yet heard by a new leader", active, sighting{false, startGrace - 1, startGrace}, true, nil},
		{"active, never heard", active, sighting{false, startGrace, startGrace}, true, say(turnDown)},
		{"down and heard", in(partition.Down), sighting{true, backWithin - 1, downAfter}, true, say(turnBack)},
		{"down, heard a while ago", in(partition.Down), sighting{true, backWithin, downAfter}, true, nil},
		{"down, just looked for", in(partition.Down), sighting{false, 0, startGrace}, true, nil},
		{"down for long", in(partition.Down), sighting{true, replaceAfter, downAfter}, true, say(turnReplaced)},
		{"down for long, never heard", in(partition.Down), sighting{false, replaceAfter, startGrace}, true, say(turnReplaced)},
		{"replaced and heard", in(partition.Replaced), sighting{true, 0, downAfter}, true, say(turnBack)},
		{"replaced and silent", in(partition.Replaced), sighting{true, replaceAfter, downAfter}, true, nil},
		{"leaving and heard", in(partition.Leaving), sighting{true, downAfter - 1, downAfter}, true, nil},
		{"leaving and silent", in(partition.Leaving), sighting{true, downAfter, downAfter}, true, say(turnDown)},
		{"leaving, known to be silent", unheard, sighting{true, replaceAfter, downAfter}, true, nil},
		{"leaving, known to be silent, and heard", unheard, sighting{true, 0, downAfter}, true, say(turnBack)},
		{"added and never up", newcomer, sighting{false, replaceAfter, startGrace}, false, &removePeer{2}},
		{"added, not for long", newcomer, sighting{false, replaceAfter - 1, startGrace}, false, nil},
		{"added, up, and silent since", newcomer, sighting{true, replaceAfter, downAfter}, false, &peerState{2, 1, turnReplaced}},
		{"added, with a copy in sync", newcomer, sighting{false, replaceAfter, startGrace}, true, &peerState{2, 1, turnReplaced}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := diagnose(c.p, c.s, replaceAfter, func(partition.NodeID) bool { return c.holds })
			if !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAReignBelievesOnlyWhatItHasHeardItself(t *testing.T) {
	contacts := newContacts()
	contacts.hear(serverID(2), 10, true)
	began := time.Now().Add(backWithin / 2)
	g := newReign(contacts, began.Add(-time.Second), false, began)
	if s := g.sight(2, began); s.heard || s.quiet != 0 {
		t.Fatalf("what an earlier reign heard: %+v", s)
	}
	if s := g.sight(2, began.Add(time.Minute)); s.heard || s.quiet != time.Minute {
		t.Fatalf("a minute later: %+v", s)
	}
	if s := g.sight(2, began); s.grace != startGrace-time.Second {
		t.Fatalf("grace of a leader that was started a second ago: got %v", s.grace)
	}
	if s := newReign(contacts, began.Add(-time.Minute), false, began).sight(2, began); s.grace != downAfter {
		t.Fatalf("grace of a leader that has run for a minute: got %v, want %v", s.grace, downAfter)
	}
	if s := newReign(contacts, began.Add(-time.Second), true, began).sight(2, began); s.grace != downAfter {
		t.Fatalf("grace of a leader that was started a second ago into a cluster that ran: got %v, want %v", s.grace, downAfter)
	}
	if !g.live(2, began.Add(downAfter-1)) || g.live(2, began.Add(downAfter)) {
		t.Fatal("the benefit of the doubt does not last for downAfter")
	}
	if g.ready(2, 10, began) {
		t.Fatal("ready by what an earlier reign heard")
	}
}

func TestASilentPeerIsBackOnlyOnceItIsHeardAgain(t *testing.T) {
	contacts := newContacts()
	began := time.Now().Add(-time.Minute)
	g := newReign(contacts, began, false, began)
	contacts.hear(serverID(2), 10, true)
	now := time.Now()
	p := partition.Peer{ID: 2, State: partition.Leaving}
	if s := g.word(p, now); !s.heard {
		t.Fatalf("before it is known to be silent: %+v", s)
	}
	p.Silent = true
	if s := g.word(p, now); s.heard {
		t.Fatalf("by what was heard before: %+v", s)
	}
	g.silentAt[2] = began
	if s := g.word(p, now); !s.heard {
		t.Fatalf("heard since: %+v", s)
	}
}

func TestAPeerThatAPartitionLacksIsDownSooner(t *testing.T) {
	const self, heard, unheard, spare = 1, 2, 3, 4
	m := &partition.Map{Table: []partition.Row{
		{InSync: ids{self}, Target: ids{self, heard, unheard}, MinInSync: 2},
		{InSync: ids{self, spare}, Target: ids{self, heard, spare}, MinInSync: 2},
	}}
	for id, want := range map[partition.NodeID]bool{self: false, heard: true, unheard: true, spare: false} {
		if got := missed(m, id); got != want {
			t.Errorf("a partition is below its minimum for want of node %v: got %v, want %v", id, got, want)
		}
	}
	m.Table[0].InSync = ids{self, spare}
	if missed(m, heard) {
		t.Error("a peer is missed where every partition has its minimum")
	}

	contacts := newContacts()
	now := time.Now()
	for _, tt := range []struct {
		name  string
		id    partition.NodeID
		age   time.Duration // of the leader
		quiet time.Duration
		want  bool
	}{
		{"just heard", heard, time.Minute, missedAfter - 1, false},
		{"not heard for a while", heard, time.Minute, missedAfter, true},
		{"not heard for a while by one that has just started", heard, 0, missedAfter, true},
		{"never heard by one that runs for long", unheard, time.Minute, missedAfter, true},
		{"never heard by one that has just started", unheard, 0, startGrace - 1, false},
		{"never heard since one was started", unheard, 0, startGrace, true},
	} {
		g := newReign(contacts, now.Add(-tt.age), false, now)
		if got := g.urgent(sighting{heard: tt.id == heard, quiet: tt.quiet}).silent(); got != tt.want {
			t.Errorf("%s: taken for down: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
