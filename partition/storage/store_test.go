package storage_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	s := open(t, vfs.NewMem())
	slot := create(t, s, 1, 3)
	other := create(t, s, 1, 4)
	keys := []string{"a", "\x00", "with/slash and blank", strings.Repeat("\xff", 4<<10), "empty value", "deleted", "buried"}
	values := []string{"1", "nul", "", strings.Repeat("v", 16<<20), "", "x", "x"}
	commit(t, s, func(b *storage.Batch) {
		for i, k := range keys {
			b.Append(slot, put(1, partition.Seq(i+1), k, values[i]), 0)
		}
		n := partition.Seq(len(keys))
		b.Append(slot, remove(1, n+1, "deleted", false), n)
		b.Append(slot, remove(1, n+2, "buried", true), n)
		b.Append(other, put(1, 1, "a", "of another copy"), 0)
	})
	for i, k := range keys {
		r, found, closer, err := s.Get(slot, []byte(k))
		switch {
		case err != nil:
			t.Fatal(err)
		case k == "deleted":
			if found {
				t.Errorf("%q is still there: %+v", k, r)
			}
		case k == "buried":
			if !found || !r.Tombstone || len(r.Value) != 0 || r.Stamp != 1009 {
				t.Errorf("%q: %+v, found %t, want a tombstone at 1009", k, r, found)
			}
		case !found || r.Tombstone || string(r.Value) != values[i] || r.Stamp != partition.Stamp(1001+i):
			t.Errorf("%.20q: value of %d bytes at %d, found %t, want %d bytes", k, len(r.Value), r.Stamp, found, len(values[i]))
		}
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := state(t, s, other), "\"a\"@1001 = \"of another copy\"\n1/1 \"a\"\n"; got != want {
		t.Errorf("other copy holds %s, want %s", got, want)
	}
}

func TestLogRecordsComeBackWhole(t *testing.T) {
	s := open(t, vfs.NewMem())
	slot := create(t, s, 1, 0)
	want := []partition.LogRecord{
		{Label: partition.Label{Term: 1, Seq: 1}, Kind: partition.EntryPut, Stamp: 10, Key: []byte("a")},
		{Label: partition.Label{Term: 1, Seq: 2}, Kind: partition.EntryDelete, Existed: true, Stamp: 11, Key: []byte("a"),
			Op: partition.OpID{Node: 1 << 63, Incarnation: 2, Counter: math.MaxUint64}},
		{Label: partition.Label{Term: 9, Seq: 3}, Kind: partition.EntryTombstone, Import: true, Stamp: 3, Key: []byte{0, 1}},
	}
	commit(t, s, func(b *storage.Batch) {
		for i := range want {
			b.Append(slot, &partition.Entry{LogRecord: want[i]}, 0)
		}
	})
	for after := range len(want) + 1 {
		i := after
		err := s.Log(slot, partition.Seq(after), func(r partition.LogRecord) bool {
			if i >= len(want) || !bytes.Equal(r.Key, want[i].Key) || r.Label != want[i].Label || r.Kind != want[i].Kind ||
				r.Import != want[i].Import || r.Existed != want[i].Existed || r.Op != want[i].Op || r.Stamp != want[i].Stamp {
				t.Errorf("after %d: record %+v", after, r)
			}
			i++
			return true
		})
		if err != nil || i != len(want) {
			t.Errorf("after %d: log ends at %d, %v, want %d", after, i, err, len(want))
		}
	}
}

func TestViewStaysAsItWas(t *testing.T) {
	everywhere(t, func(t *testing.T, s *storage.Store) {
		slot := create(t, s, 1, 0)
		commit(t, s, func(b *storage.Batch) { b.Append(slot, put(1, 1, "a", "old"), 0) })
		v := s.View(slot)
		defer v.Close()
		commit(t, s, func(b *storage.Batch) {
			b.Append(slot, put(2, 2, "a", "new"), 1)
			b.Append(slot, put(2, 3, "b", "new"), 1)
			b.Trim(slot, 2)
		})
		if got, want := state(t, v, slot), "\"a\"@1001 = \"old\"\n1/1 \"a\"\n"; got != want {
			t.Errorf("view shows %s, want %s", got, want)
		}
		pos, err := v.Position(slot)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := describe(pos), "log 1 to 1/1 terms [{1 1}] stamp 1001 commit 0"; got != want {
			t.Errorf("view's position: %s, want %s", got, want)
		}
		r, found, closer, err := v.Get(slot, []byte("a"))
		if err != nil || !found || string(r.Value) != "old" {
			t.Errorf("view's value: %q, %t, %v", r.Value, found, err)
		}
		closer.Close()
		commit(t, s, func(b *storage.Batch) { b.Drop(1, 0, slot) })
		if got := state(t, v, slot); !strings.Contains(got, "old") {
			t.Errorf("view of a dropped copy shows %q", got)
		}
		now := s.View(slot)
		defer now.Close()
		if _, err := now.Position(slot); !errors.Is(err, storage.ErrNoCopy) {
			t.Errorf("position of a dropped copy: %v", err)
		}
	})
}

func TestADroppedCopyIsGone(t *testing.T) {
	everywhere(t, func(t *testing.T, s *storage.Store) {
		slot := create(t, s, 1, 0)
		commit(t, s, func(b *storage.Batch) { b.Append(slot, put(1, 1, "a", "old"), 0) })
		commit(t, s, func(b *storage.Batch) { b.Drop(1, 0, slot) })
		if got := state(t, s, slot); got != "" {
			t.Errorf("left behind: %s", got)
		}
		b := s.NewBatch()
		b.Append(slot, put(1, 2, "a", "late"), 0)
		if err := b.Commit(); !errors.Is(err, storage.ErrNoCopy) {
			t.Errorf("appended to what is gone: %v, want %v", err, storage.ErrNoCopy)
		}
		again := create(t, s, 1, 0)
		if got := describe(position(t, s, 1, again)); again == slot || got != "log 1 to 0/0 terms [] stamp 0 commit 0" {
			t.Errorf("begun anew in slot %d after %d at %s", again, slot, got)
		}
	})
}

// A store leaves nothing running: a bubble ends only when its goroutines have.
func TestCloseEndsEverything(t *testing.T) {
	for name, o := range map[string]storage.Options{
		"on disk":   options(vfs.NewMem()),
		"in memory": inMemory(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := storage.Open(o)
				if err != nil {
					t.Fatal(err)
				}
				slot := create(t, s, 1, 0)
				for seq := range partition.Seq(30) { // enough to be flushed and compacted
					commit(t, s, func(b *storage.Batch) { b.Append(slot, put(1, seq+1, "k", string(make([]byte, 1<<20))), seq) })
				}
				time.Sleep(time.Hour)
				closeStore(t, s)
			})
		})
	}
}

func TestMetadata(t *testing.T) {
	fs := vfs.NewMem()
	s := openOnly(t, fs)
	set := func(m map[string][]byte) {
		if err := s.SetMeta(m); err != nil {
			t.Fatal(err)
		}
	}
	set(map[string][]byte{"a": []byte("1"), "b": {}, "": []byte("nameless")})
	set(map[string][]byte{"a": nil, "c": []byte("3")})
	closeStore(t, s)
	s = open(t, fs)
	for name, want := range map[string]string{"a": "none", "b": "", "c": "3", "d": "none", "": "nameless"} {
		v, found, err := s.Meta(name)
		got := string(v)
		if !found {
			got = "none"
		}
		if err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestFreeSpaceAndSizes(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs)
	if free, _, err := s.Space(); err != nil || free != math.MaxUint64 {
		t.Errorf("of a file system that does not say: %d, %v", free, err)
	}
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 0, TotalBytes: 10})
	if free, _, err := s.Space(); err != nil || free != 0 {
		t.Errorf("full disk: %d, %v", free, err)
	}
	if m := s.Metrics(); m.MemTableBytes == 0 || m.DiskBytes == 0 {
		t.Errorf("sizes: %+v", m)
	}
	inMemory, err := storage.Open(inMemory())
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, inMemory)
	if free, _, err := inMemory.Space(); err != nil || free != math.MaxUint64 {
		t.Errorf("without a disk: %d, %v", free, err)
	}
	if m := inMemory.Metrics(); m.MemTableBytes == 0 || m.DiskBytes != 0 {
		t.Errorf("sizes without a disk: %+v", m)
	}
	onDisk, err := storage.Open(storage.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, onDisk)
	if free, _, err := onDisk.Space(); err != nil || free == 0 || free == math.MaxUint64 {
		t.Errorf("on disk: %d, %v", free, err)
	}
}
