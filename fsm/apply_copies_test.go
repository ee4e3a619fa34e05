package fsm

import (
	"slices"
	"testing"

	"pipelinedht/partition"
)

type ids = []partition.NodeID

// threeCopies returns a log with one partition, primary 1, in sync {1 2 3}, and
// peers 4, and 5 that leaves with a copy of another partition.
func threeCopies(t *testing.T) *log {
	l := born(t, 2)
	l.join(2, 3, 4, 5)
	for i, in := range []ids{{1, 2, 3}, {1, 5}} {
		l.must(1, &changeCopies{[]partition.Change{{Partition: partition.ID(i), Epoch: 1, Primary: 1, InSync: in}}})
	}
	l.must(1, &removePeer{5})
	return l
}

func TestChangeCopiesIsJudged(t *testing.T) {
	cases := []struct {
		name string
		by   partition.NodeID
		c    partition.Change
		ok   bool
	}{
		{"the primary shrinks", 1, partition.Change{Primary: 1, InSync: ids{1, 3}}, true},
		{"the primary grows", 1, partition.Change{Primary: 1, InSync: ids{1, 2, 3, 4}}, true},
		{"the primary swaps", 1, partition.Change{Primary: 1, InSync: ids{1, 4}}, true},
		{"the primary hands over and stays", 1, partition.Change{Primary: 2, InSync: ids{1, 2, 3}}, true},
		{"the primary hands over and shrinks", 1, partition.Change{Primary: 2, InSync: ids{1, 2}}, true},
		{"the primary hands over and grows", 1, partition.Change{Primary: 2, InSync: ids{1, 2, 3, 4}}, true},
		{"the primary begins a new term", 1, partition.Change{Primary: 1, InSync: ids{1, 2, 3}, NewTerm: true}, true},
		{"a backup takes over", 2, partition.Change{Primary: 2, InSync: ids{2, 3}}, true},
		{"a backup takes over alone", 3, partition.Change{Primary: 3, InSync: ids{3}}, true},

		{"nothing in sync", 1, partition.Change{Primary: 1}, false},
		{"out of order", 1, partition.Change{Primary: 1, InSync: ids{2, 1}}, false},
		{"one twice", 1, partition.Change{Primary: 1, InSync: ids{1, 1, 2}}, false},
		{"a primary that is not in the set", 1, partition.Change{Primary: 1, InSync: ids{2, 3}}, false},
		{"somebody who is no peer", 1, partition.Change{Primary: 1, InSync: ids{1, 9}}, false},
		{"a peer that leaves, added", 1, partition.Change{Primary: 1, InSync: ids{1, 5}}, false},
		{"the primary hands over and goes", 1, partition.Change{Primary: 2, InSync: ids{2, 3}}, false},
		{"handing over to one that was not in sync", 1, partition.Change{Primary: 4, InSync: ids{1, 4}}, false},
		{"a backup that keeps the primary", 2, partition.Change{Primary: 2, InSync: ids{1, 2, 3}}, false},
		{"a backup that grows", 2, partition.Change{Primary: 2, InSync: ids{2, 3, 4}}, false},
		{"a backup that names another", 2, partition.Change{Primary: 3, InSync: ids{2, 3}}, false},
		{"a backup that drops another, not itself", 2, partition.Change{Primary: 1, InSync: ids{1, 2}}, false},
		{"a peer without a copy", 4, partition.Change{Primary: 4, InSync: ids{4}}, false},
		{"a peer without a copy, for one that has", 4, partition.Change{Primary: 2, InSync: ids{2, 3}}, false},
		{"an old epoch", 1, partition.Change{Epoch: 1, Primary: 1, InSync: ids{1, 3}}, false},
		{"a partition beyond the last", 1, partition.Change{Partition: 2, Primary: 1, InSync: ids{1, 3}}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := threeCopies(t)
			before := l.Map
			if c.c.Epoch == 0 {
				c.c.Epoch = before.Table[0].Epoch
			}
			l.must(c.by, &changeCopies{[]partition.Change{c.c}})
			if !c.ok {
				if l.Map != before {
					t.Fatalf("was carried out: %+v", l.Map.Table[0])
				}
				return
			}
			was, row, v := before.Table[0], l.Map.Table[0], l.Map.Version
			wantTerm := was.Term
			if c.c.NewTerm || c.c.Primary != was.Primary {
				wantTerm = partition.Term(v)
			}
			if row.Primary != c.c.Primary || !slices.Equal(row.InSync, c.c.InSync) ||
				row.Epoch != partition.Epoch(v) || row.Term != wantTerm || v != before.Version+1 {
				t.Fatalf("got %+v at version %d", row, v)
			}
		})
	}
}

func TestEachChangeSucceedsOrFailsAlone(t *testing.T) {
	l := born(t, 4)
	l.join(2)
	both := ids{1, 2}
	l.must(1, &changeCopies{[]partition.Change{
		{Partition: 0, Epoch: 1, Primary: 1, InSync: both},
		{Partition: 1, Epoch: 7, Primary: 1, InSync: both},
		{Partition: 2, Epoch: 1, Primary: 1, InSync: both},
		{Partition: 2, Epoch: 1, Primary: 1, InSync: ids{1}}, // the one before has moved the epoch
		{Partition: 3, Epoch: 1, Primary: 1, InSync: ids{1}}, // nothing new
	}})
	want := []partition.Epoch{3, 1, 3, 1}
	for i, row := range l.Map.Table {
		if row.Epoch != want[i] {
			t.Errorf("partition %d: epoch %d, want %d", i, row.Epoch, want[i])
		}
	}
	before := l.Map
	l.must(1, &changeCopies{[]partition.Change{{Partition: 3, Epoch: 1, Primary: 1, InSync: ids{1}}}})
	if l.Map != before {
		t.Error("a change to what is gave a new map")
	}
}

func TestTheMinimumRisesWithTheChangeThatFillsTheRow(t *testing.T) {
	l := born(t, 1)
	l.join(2, 3)
	set := func(in ...partition.NodeID) int {
		l.must(1, &changeCopies{[]partition.Change{{Epoch: l.Map.Table[0].Epoch, Primary: 1, InSync: in}}})
		return l.Map.Table[0].MinInSync
	}
	steps := []struct {
		in   ids
		want int
	}{{ids{1, 2}, 1}, {ids{1, 2, 3}, 2}, {ids{1, 2}, 2}, {ids{1}, 2}, {ids{1, 2, 3}, 2}}
	for _, s := range steps {
		if got := set(s.in...); got != s.want {
			t.Fatalf("in sync %v: minimum %d, want %d", s.in, got, s.want)
		}
	}
	l.must(1, &removePeer{3})
	if got := l.Map.Table[0].MinInSync; got != 1 {
		t.Fatalf("with two peers wanted the minimum is %d", got)
	}
	l.join(4)
	if got := l.Map.Table[0].MinInSync; got != 1 {
		t.Fatalf("a peer joined and the minimum is %d", got)
	}
}

func TestTooManyChangesAreRefused(t *testing.T) {
	l := born(t, 1)
	if got := l.by(1, &changeCopies{make([]partition.Change, maxChanges+1)}); got != ErrInvalid {
		t.Fatalf("got %v", got)
	}
}
