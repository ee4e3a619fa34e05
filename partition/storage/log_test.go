package storage_test

import (
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
