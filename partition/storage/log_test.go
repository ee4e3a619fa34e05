package storage_test

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

func TestPositionFollowsTheLog(t *testing.T) {
	fs := vfs.NewMem()
	s := openOnly(t, fs)
	slot := create(t, s, 1, 0)
	imported := put(7, 6, "f", "")
	imported.Import, imported.Stamp = true, 99999
	steps := []struct {
		name string
		do   func(b *storage.Batch)
		want string
	}{
		{"an empty copy", func(*storage.Batch) {}, "log 1 to 0/0 terms [] stamp 0 commit 0"},
		{"entries of three terms", func(b *storage.Batch) {
			b.Append(slot, put(2, 1, "a", ""), 0)
			b.Append(slot, put(2, 2, "b", ""), 1)
			b.Append(slot, put(4, 3, "c", ""), 0)
			b.Append(slot, put(4, 4, "d", ""), 3)
			b.Append(slot, put(7, 5, "e", ""), 3)
		}, "log 1 to 7/5 terms [{2 1} {4 3} {7 5}] stamp 1005 commit 3"},
		{"an import does not raise the stamp", func(b *storage.Batch) { b.Append(slot, imported, 5) },
			"log 1 to 7/6 terms [{2 1} {4 3} {7 5}] stamp 1005 commit 5"},
		{"a trim within the first term", func(b *storage.Batch) { b.Trim(slot, 1) },
			"log 2 to 7/6 terms [{2 1} {4 3} {7 5}] stamp 1005 commit 5"},
		{"a trim to the end of a term keeps it", func(b *storage.Batch) { b.Trim(slot, 2) },
			"log 3 to 7/6 terms [{2 1} {4 3} {7 5}] stamp 1005 commit 5"},
		{"a trim into the next term forgets the one before", func(b *storage.Batch) { b.Trim(slot, 3) },
			"log 4 to 7/6 terms [{4 3} {7 5}] stamp 1005 commit 5"},
		{"a trim of what is gone changes nothing", func(b *storage.Batch) { b.Trim(slot, 2) },
			"log 4 to 7/6 terms [{4 3} {7 5}] stamp 1005 commit 5"},
		{"appended and trimmed in one batch", func(b *storage.Batch) {
			b.Append(slot, put(8, 7, "g", ""), 6)
			b.Append(slot, put(9, 8, "h", ""), 6)
			b.Trim(slot, 7)
		}, "log 8 to 9/8 terms [{8 7} {9 8}] stamp 1008 commit 6"},
		{"a trim of everything", func(b *storage.Batch) { b.Trim(slot, 8) },
			"log 9 to 9/8 terms [{9 8}] stamp 1008 commit 6"},
		{"an entry after that", func(b *storage.Batch) { b.Append(slot, put(9, 9, "i", ""), 8) },
			"log 9 to 9/9 terms [{9 8}] stamp 1009 commit 8"},
	}
	for _, step := range steps {
		commit(t, s, step.do)
		if got := describe(position(t, s, 1, slot)); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
		closeStore(t, s)
		s = openOnly(t, fs)
		if got := describe(position(t, s, 1, slot)); got != step.want {
			t.Errorf("%s, reopened: %s, want %s", step.name, got, step.want)
		}
	}
	closeStore(t, s)
}

func TestTransfersIntoACopy(t *testing.T) {
	record := func(term partition.Term, seq partition.Seq, key string) partition.LogRecord {
		return put(term, seq, key, "").LogRecord
	}
	label := func(term partition.Term, seq partition.Seq) partition.Label {
		return partition.Label{Term: term, Seq: seq}
	}
	fs := vfs.NewMem()
	s := openOnly(t, fs)
	slot := create(t, s, 1, 0)
	steps := []struct {
		name     string
		do       func(b *storage.Batch)
		position string
		state    string
	}{
		{"the copy as it is", func(b *storage.Batch) {
			b.Append(slot, put(2, 1, "a", "1"), 0)
			b.Append(slot, put(2, 2, "b", "2"), 1)
			b.Append(slot, put(3, 3, "c", "3"), 1)
		}, "log 1 to 3/3 terms [{2 1} {3 3}] stamp 1003 commit 1",
			"\"a\"@1001 = \"1\"\n\"b\"@1002 = \"2\"\n\"c\"@1003 = \"3\"\n2/1 \"a\"\n2/2 \"b\"\n3/3 \"c\"\n"},
		{"the log is cut after the common point and goes on", func(b *storage.Batch) {
			b.Begin(slot, &storage.Head{
				After:   label(2, 2),
				Records: []partition.LogRecord{record(4, 3, "d"), record(4, 4, "b")},
				Position: partition.Position{Last: label(4, 4), LogStart: 2, Stamp: 2000, Commit: 3,
					Terms: []partition.TermStart{{Term: 2, First: 1}, {Term: 4, First: 3}}},
			})
			b.SetMark(slot, &partition.Mark{Common: 2, Extra: [][]byte{[]byte("c")}})
		}, "log 1 to 4/4 terms [{2 1} {4 3}] stamp 2000 commit 3 mark fresh=false common=2 extra=[\"c\"]",
			"\"a\"@1001 = \"1\"\n\"b\"@1002 = \"2\"\n\"c\"@1003 = \"3\"\n2/1 \"a\"\n2/2 \"b\"\n4/3 \"d\"\n4/4 \"b\"\n"},
		{"the values come", func(b *storage.Batch) {
			b.Put(slot, partition.KeyState{Key: []byte("b"), Found: true, Record: partition.Record{Stamp: 1004, Tombstone: true}})
			b.Put(slot, partition.KeyState{Key: []byte("c")})
			b.Put(slot, partition.KeyState{Key: []byte("d"), Found: true, Record: partition.Record{Stamp: 1003, Value: []byte("4")}})
			b.SetMark(slot, nil)
		}, "log 1 to 4/4 terms [{2 1} {4 3}] stamp 2000 commit 3",
			"\"a\"@1001 = \"1\"\n\"b\"@1004 deleted\n\"d\"@1003 = \"4\"\n2/1 \"a\"\n2/2 \"b\"\n4/3 \"d\"\n4/4 \"b\"\n"},
		{"a snapshot begins", func(b *storage.Batch) {
			b.Begin(slot, &storage.Head{
				Reset: true, After: label(6, 50),
				Records: []partition.LogRecord{record(6, 51, "x"), record(8, 52, "y")},
				Position: partition.Position{Last: label(8, 52), LogStart: 51, Stamp: 1500, Commit: 51,
					Terms: []partition.TermStart{{Term: 6, First: 40}, {Term: 8, First: 52}}},
			})
			b.Put(slot, partition.KeyState{Key: []byte("x"), Found: true, Record: partition.Record{Stamp: 1051, Value: []byte("5")}})
			b.SetMark(slot, &partition.Mark{Fresh: true})
		}, "log 51 to 8/52 terms [{6 40} {8 52}] stamp 1500 commit 51 mark fresh=true common=0 extra=[]",
			"\"x\"@1051 = \"5\"\n6/51 \"x\"\n8/52 \"y\"\n"},
		{"it is cut short and another begins, whose log is empty", func(b *storage.Batch) {
			b.Begin(slot, &storage.Head{
				Reset: true, After: label(8, 60),
				Position: partition.Position{Last: label(8, 60), LogStart: 61, Stamp: 1600, Commit: 60,
					Terms: []partition.TermStart{{Term: 8, First: 52}}},
			})
			b.Put(slot, partition.KeyState{Key: []byte("z"), Found: true, Record: partition.Record{Stamp: 1060}})
		}, "log 61 to 8/60 terms [{8 52}] stamp 1600 commit 60", "\"z\"@1060 = \"\"\n"},
		{"the copy goes on by itself", func(b *storage.Batch) { b.Append(slot, put(9, 61, "a", "6"), 60) },
			"log 61 to 9/61 terms [{8 52} {9 61}] stamp 1600 commit 60", "\"a\"@1061 = \"6\"\n\"z\"@1060 = \"\"\n9/61 \"a\"\n"},
		{"an empty snapshot", func(b *storage.Batch) {
			b.Begin(slot, &storage.Head{Reset: true, Position: partition.Position{LogStart: 1}})
		}, "log 1 to 0/0 terms [] stamp 0 commit 0", ""},
	}
	for _, step := range steps {
		commit(t, s, step.do)
		if got := describe(position(t, s, 1, slot)); got != step.position {
			t.Errorf("%s: %s, want %s", step.name, got, step.position)
		}
		if got := state(t, s, slot); got != step.state {
			t.Errorf("%s: holds\n%swant\n%s", step.name, got, step.state)
		}
		closeStore(t, s)
		s = openOnly(t, fs)
		if got := describe(position(t, s, 1, slot)); got != step.position {
			t.Errorf("%s, reopened: %s, want %s", step.name, got, step.position)
		}
	}
	closeStore(t, s)
}

func TestWhatDoesNotFitIsRefusedWhole(t *testing.T) {
	s := open(t, vfs.NewMem())
	slot := create(t, s, 1, 0)
	empty := create(t, s, 1, 1)
	commit(t, s, func(b *storage.Batch) {
		for seq := range partition.Seq(5) {
			b.Append(slot, put(partition.Term(2+seq/3), seq+1, "a", "old"), 0)
		}
		b.Trim(slot, 1)
	})
	before, where := state(t, s, slot), describe(position(t, s, 1, slot))
	to := func(term partition.Term, seq partition.Seq) partition.Position {
		return partition.Position{Last: partition.Label{Term: term, Seq: seq}, Terms: []partition.TermStart{{Term: 1, First: 1}}}
	}
	for name, c := range map[string]struct {
		do   func(b *storage.Batch)
		want error
	}{
		"a gap":             {func(b *storage.Batch) { b.Append(slot, put(3, 7, "a", ""), 0) }, storage.ErrMisfit},
		"an entry twice":    {func(b *storage.Batch) { b.Append(slot, put(3, 5, "a", ""), 0) }, storage.ErrMisfit},
		"a term that falls": {func(b *storage.Batch) { b.Append(slot, put(2, 6, "a", ""), 0) }, storage.ErrMisfit},
		"an entry of no kind": {func(b *storage.Batch) {
			b.Append(slot, &partition.Entry{LogRecord: partition.LogRecord{Label: partition.Label{Term: 3, Seq: 6}}}, 0)
		}, storage.ErrMisfit},
		"a trim beyond the end":     {func(b *storage.Batch) { b.Trim(slot, 6) }, storage.ErrMisfit},
		"a slot never made":         {func(b *storage.Batch) { b.Append(99, put(3, 1, "a", ""), 0) }, storage.ErrNoCopy},
		"a drop of another's entry": {func(b *storage.Batch) { b.Drop(1, 0, empty) }, storage.ErrNoCopy},
		"a drop twice":              {func(b *storage.Batch) { b.Drop(1, 1, empty); b.Drop(1, 1, empty) }, storage.ErrNoCopy},
		"an entry for what dropped": {func(b *storage.Batch) { b.Drop(1, 0, slot); b.Append(slot, put(3, 6, "a", ""), 0) }, storage.ErrNoCopy},
		"a cut at another's label": {func(b *storage.Batch) {
			b.Begin(slot, &storage.Head{After: partition.Label{Term: 3, Seq: 3}, Position: to(3, 3)})
		}, storage.ErrMisfit},
		"a cut before the log": {func(b *storage.Batch) { b.Begin(slot, &storage.Head{Position: to(0, 0)}) }, storage.ErrMisfit},
		"a cut beyond the log": {func(b *storage.Batch) {
			b.Begin(slot, &storage.Head{After: partition.Label{Term: 3, Seq: 6}, Position: to(3, 6)})
		}, storage.ErrMisfit},
		"a head without its records": {func(b *storage.Batch) {
			b.Begin(slot, &storage.Head{After: partition.Label{Term: 3, Seq: 5}, Position: to(3, 6)})
		}, storage.ErrMisfit},
		"a snapshot without terms": {func(b *storage.Batch) {
			b.Begin(slot, &storage.Head{Reset: true, After: partition.Label{Term: 3, Seq: 9}, Position: to(3, 9)})
		}, storage.ErrMisfit},
	} {
		b := s.NewBatch()
		b.Append(slot, put(3, 6, "a", "new"), 0)
		b.Reset() // forgets also where the copy would stand
		b.Put(empty, partition.KeyState{Key: []byte("beside"), Found: true})
		c.do(b)
		if err := b.Commit(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		b.Reset()
		if err := b.Commit(); err != nil || !b.Empty() {
			t.Errorf("%s: an empty batch afterwards: %v", name, err)
		}
	}
	if after := state(t, s, slot); after != before {
		t.Errorf("copy holds\n%safter refusals, before\n%s", after, before)
	}
	if after := describe(position(t, s, 1, slot)); after != where {
		t.Errorf("copy stands at %s after refusals, before %s", after, where)
	}
	if after := state(t, s, empty); after != "" {
		t.Errorf("a refused batch left\n%s", after)
	}
}

func TestABatchIsUsedAgain(t *testing.T) {
	s := open(t, vfs.NewMem())
	slot := create(t, s, 1, 0)
	b := s.NewBatch()
	for seq := range partition.Seq(100) {
		size := 10
		if seq%10 == 3 {
			size = 9 << 20 // as large as to go past the memtable
		}
		b.Append(slot, put(1, seq+1, string(rune('a'+seq%26)), string(make([]byte, size))), seq)
		if b.Size() < size || b.Empty() {
			t.Fatalf("batch of %d bytes says %d", size, b.Size())
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		b.Reset()
	}
	if got, want := describe(position(t, s, 1, slot)), "log 1 to 1/100 terms [{1 1}] stamp 1100 commit 99"; got != want {
		t.Errorf("position %s, want %s", got, want)
	}
}
