package storage_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

func label(term partition.Term, seq partition.Seq) partition.Label {
	return partition.Label{Term: term, Seq: seq}
}

func record(term partition.Term, seq partition.Seq, key string) partition.LogRecord {
	return put(term, seq, key, "").LogRecord
}

// transferSteps follow each other on one copy.
var transferSteps = []struct {
	name     string
	do       func(b *storage.Batch, slot storage.Slot)
	position string
	state    string
}{
	{"the copy as it is", func(b *storage.Batch, slot storage.Slot) {
		b.Append(slot, put(2, 1, "a", "1"), 0)
		b.Append(slot, put(2, 2, "b", "2"), 1)
		b.Append(slot, put(3, 3, "c", "3"), 1)
	}, "log 1 to 3/3 terms [{2 1} {3 3}] stamp 1003 commit 1",
		"\"a\"@1001 = \"1\"\n\"b\"@1002 = \"2\"\n\"c\"@1003 = \"3\"\n2/1 \"a\"\n2/2 \"b\"\n3/3 \"c\"\n"},
	{"the log is cut after the common point and goes on", func(b *storage.Batch, slot storage.Slot) {
		b.Begin(slot, &storage.Head{
			After:   label(2, 2),
			Records: []partition.LogRecord{record(4, 3, "d"), record(4, 4, "b")},
			Position: partition.Position{Last: label(4, 4), LogStart: 2, Stamp: 2000, Commit: 3,
				Terms: []partition.TermStart{{Term: 2, First: 1}, {Term: 4, First: 3}}},
		})
		b.SetMark(slot, &partition.Mark{Common: 2, Extra: [][]byte{[]byte("c")}})
	}, "log 1 to 4/4 terms [{2 1} {4 3}] stamp 2000 commit 3 mark fresh=false common=2 extra=[\"c\"]",
		"\"a\"@1001 = \"1\"\n\"b\"@1002 = \"2\"\n\"c\"@1003 = \"3\"\n2/1 \"a\"\n2/2 \"b\"\n4/3 \"d\"\n4/4 \"b\"\n"},
	{"the values come", func(b *storage.Batch, slot storage.Slot) {
		b.Put(slot, partition.KeyState{Key: []byte("b"), Found: true, Record: partition.Record{Stamp: 1004, Tombstone: true}})
		b.Put(slot, partition.KeyState{Key: []byte("c")})
		b.Put(slot, partition.KeyState{Key: []byte("d"), Found: true, Record: partition.Record{Stamp: 1003, Value: []byte("4")}})
		b.SetMark(slot, nil)
	}, "log 1 to 4/4 terms [{2 1} {4 3}] stamp 2000 commit 3",
		"\"a\"@1001 = \"1\"\n\"b\"@1004 deleted\n\"d\"@1003 = \"4\"\n2/1 \"a\"\n2/2 \"b\"\n4/3 \"d\"\n4/4 \"b\"\n"},
	{"a snapshot begins", func(b *storage.Batch, slot storage.Slot) {
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
	{"it is cut short and another begins, whose log is empty", func(b *storage.Batch, slot storage.Slot) {
		b.Begin(slot, &storage.Head{
			Reset: true, After: label(8, 60),
			Position: partition.Position{Last: label(8, 60), LogStart: 61, Stamp: 1600, Commit: 60,
				Terms: []partition.TermStart{{Term: 8, First: 52}}},
		})
		b.Put(slot, partition.KeyState{Key: []byte("z"), Found: true, Record: partition.Record{Stamp: 1060}})
	}, "log 61 to 8/60 terms [{8 52}] stamp 1600 commit 60", "\"z\"@1060 = \"\"\n"},
	{"the copy goes on by itself", func(b *storage.Batch, slot storage.Slot) { b.Append(slot, put(9, 61, "a", "6"), 60) },
		"log 61 to 9/61 terms [{8 52} {9 61}] stamp 1600 commit 60", "\"a\"@1061 = \"6\"\n\"z\"@1060 = \"\"\n9/61 \"a\"\n"},
	{"an empty snapshot", func(b *storage.Batch, slot storage.Slot) {
		b.Begin(slot, &storage.Head{Reset: true, Position: partition.Position{LogStart: 1}})
	}, "log 1 to 0/0 terms [] stamp 0 commit 0", ""},
}

func TestTransfersIntoACopy(t *testing.T) {
	fs := vfs.NewMem()
	s := openOnly(t, fs)
	slot := create(t, s, 1, 0)
	for _, step := range transferSteps {
		commit(t, s, func(b *storage.Batch) { step.do(b, slot) })
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
