package storage_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

func TestEveryFlippedBitOfADataRecordIsFound(t *testing.T) {
	fs := vfs.NewMem()
	s := openOnly(t, fs)
	slot := create(t, s, 1, 0)
	commit(t, s, func(b *storage.Batch) {
		b.Append(slot, put(1, 1, "before", "value"), 0)
		b.Append(slot, put(1, 2, "broken", "value"), 0)
	})
	closeStore(t, s)
	const record = 13 + len("value")
	for bit := range record * 8 {
		flip := func(v []byte) []byte {
			v[bit/8] ^= 1 << (bit % 8)
			return v
		}
		overwrite(t, fs, []byte("\x04broken"), flip)
		s := openOnly(t, fs)
		r, found, closer, err := s.Get(slot, []byte("broken"))
		if !errors.Is(err, storage.ErrCorrupt) || found || r.Value != nil {
			t.Errorf("bit %d: got %+v, %t, %v, want %v", bit, r, found, err, storage.ErrCorrupt)
		} else if !strings.Contains(err.Error(), fmt.Sprintf(`slot %d, key "broken"`, slot)) {
			t.Errorf("bit %d: error does not say where: %v", bit, err)
		}
		closer.Close()
		seen := 0
		err = s.Keys(slot, nil, func([]byte, partition.Record) bool { seen++; return true })
		if !errors.Is(err, storage.ErrCorrupt) || seen != 1 {
			t.Errorf("bit %d: listing saw %d keys, %v", bit, seen, err)
		}
		closeStore(t, s)
		overwrite(t, fs, []byte("\x04broken"), flip)
	}
	overwrite(t, fs, []byte("\x04broken"), func(v []byte) []byte { return v[:12] })
	s = open(t, fs)
	if _, _, _, err := s.Get(slot, []byte("broken")); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("a record cut short: %v", err)
	}
}

// A copy whose own records are damaged is listed as useless, so that the node
// starts and fetches it again; the others are not touched by it.
func TestADamagedCopyCanBeTakenInAnew(t *testing.T) {
	for name, c := range map[string]struct {
		suffix string
		change func(v []byte) []byte
	}{
		"base cut short":          {"\x00\x01\x01", func(v []byte) []byte { return v[:39] }},
		"base with a later term":  {"\x00\x01\x01", func(v []byte) []byte { v[23] = 9; return v }},
		"mark with unknown flags": {"\x00\x01\x02", func(v []byte) []byte { v[0] = 4; return v }},
		"mark cut in a key":       {"\x00\x01\x02", func(v []byte) []byte { return v[:len(v)-1] }},
		"mark cut in a length":    {"\x00\x01\x02", func(v []byte) []byte { return v[:11] }},
		"log record cut short":    {"\x03\x00\x00\x00\x00\x00\x00\x00\x04", func(v []byte) []byte { return v[:48] }},
		"log record of no kind":   {"\x03\x00\x00\x00\x00\x00\x00\x00\x04", func(v []byte) []byte { v[8] = 0; return v }},
		"log with a falling term": {"\x03\x00\x00\x00\x00\x00\x00\x00\x04", func(v []byte) []byte { v[7] = 1; return v }},
	} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewMem()
			s := openOnly(t, fs)
			slots := life(t, s)
			commit(t, s, func(b *storage.Batch) { b.SetMark(slots[0], &partition.Mark{Extra: [][]byte{[]byte("key")}}) })
			// Damage slot 1 only: the other copies' log is cut away.
			commit(t, s, func(b *storage.Batch) {
				for _, slot := range slots[1:3] {
					b.Trim(slot, 5)
				}
			})
			healthy := describe(position(t, s, 1, slots[1]))
			closeStore(t, s)
			overwrite(t, fs, []byte(c.suffix), c.change)

			s = open(t, fs)
			copies, err := s.Copies(1)
			if err != nil {
				t.Fatal(err)
			}
			if m := copies[0].Position.Mark; m == nil || !m.Fresh {
				t.Errorf("damaged copy: %s, want a fresh mark", describe(copies[0].Position))
			}
			if got := describe(copies[1].Position); got != healthy {
				t.Errorf("another copy: %s, want %s", got, healthy)
			}
			takenInAnew(t, s, slots[0])
		})
	}
}

// takenInAnew brings the damaged copy in slot, of generation 1, back into use.
func takenInAnew(t *testing.T, s *storage.Store, slot storage.Slot) {
	t.Helper()
	b := s.NewBatch()
	b.Append(slot, put(12, 6, "k", "v"), 0)
	if err := b.Commit(); !errors.Is(err, storage.ErrMisfit) {
		t.Errorf("appended to a damaged copy: %v", err)
	}
	commit(t, s, func(b *storage.Batch) {
		b.Begin(slot, &storage.Head{
			Reset: true, After: partition.Label{Term: 3, Seq: 3},
			Position: partition.Position{Last: partition.Label{Term: 3, Seq: 3}, Terms: []partition.TermStart{{Term: 3, First: 2}}},
		})
		b.Put(slot, partition.KeyState{Key: []byte("k"), Found: true})
	})
	if got, want := describe(position(t, s, 1, slot)), "log 4 to 3/3 terms [{3 2}] stamp 0 commit 0"; got != want {
		t.Errorf("taken in anew: %s, want %s", got, want)
	}
	if got, want := state(t, s, slot), "\"k\"@0 = \"\"\n"; got != want {
		t.Errorf("taken in anew: holds %s, want %s", got, want)
	}
	if err := s.DropGeneration(1, nil); err != nil {
		t.Error(err)
	}
}

// Damage below Pebble's own checksums is reported in the same way.
func TestADamagedTableIsFound(t *testing.T) {
	fs := vfs.NewMem()
	s := openOnly(t, fs)
	slot := create(t, s, 1, 0)
	commit(t, s, func(b *storage.Batch) {
		noise := rand.NewChaCha8([32]byte{})
		value := make([]byte, 16<<10) // a block each, and not to be compressed
		for seq := range partition.Seq(8) {
			noise.Read(value)
			b.Append(slot, put(1, seq+1, fmt.Sprint(seq), string(value)), 0)
		}
	})
	closeStore(t, s)
	closeStore(t, openOnly(t, fs)) // replays the log into a table
	damageTable(t, fs)
	s = open(t, fs)
	damaged := 0
	for seq := range 8 {
		_, found, closer, err := s.Get(slot, []byte(fmt.Sprint(seq)))
		if errors.Is(err, storage.ErrCorrupt) {
			damaged++
			if !strings.Contains(err.Error(), ".sst") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error does not name the file, or is several lines: %v", err)
			}
		} else if !found || err != nil {
			t.Errorf("key %d: %t, %v", seq, found, err)
		}
		closer.Close()
	}
	if damaged != 1 {
		t.Errorf("%d keys are damaged, want 1", damaged)
	}
	if err := s.Keys(slot, nil, func([]byte, partition.Record) bool { return true }); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("listing: %v, want %v", err, storage.ErrCorrupt)
	}
	if err := s.Verify(slot); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("read through: %v, want %v", err, storage.ErrCorrupt)
	}
	if r := s.Suspects(); len(r) != 1 || slot < r[0].First || slot > r[0].Last {
		t.Errorf("suspects: %v, want slot %d among them", r, slot)
	}
	if r := s.Suspects(); len(r) > 0 {
		t.Errorf("suspects, asked again: %v", r)
	}
	other := create(t, s, 1, 1)
	if err := s.Verify(other); err != nil {
		t.Errorf("another copy: %v", err)
	}
	// Compactions, of which this takes some, run into the damage too; writing goes on.
	for seq := range partition.Seq(320) {
		commit(t, s, func(b *storage.Batch) {
			b.Append(slot, put(1, 9+seq, fmt.Sprint(8+seq), strings.Repeat("new", 100<<10)), 0)
		})
	}
	if _, found, closer, err := s.Get(slot, []byte("40")); err != nil || !found {
		t.Errorf("a new key: %t, %v", found, err)
	} else {
		closer.Close()
	}
}

// damageTable flips a bit in the middle of the largest table.
func damageTable(t *testing.T, fs *vfs.MemFS) {
	t.Helper()
	files, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var largest []byte
	for _, name := range files {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		content, err := fs.UnsafeGetFileDataBuffer(fs.PathJoin(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(content) > len(largest) {
			largest = content
		}
	}
	if len(largest) == 0 {
		t.Fatal("there is no table")
	}
	largest[len(largest)/2] ^= 1
}

func TestADamagedDatabaseIsNotOpened(t *testing.T) {
	fs := vfs.NewMem()
	closeStore(t, openOnly(t, fs))
	overwrite(t, fs, []byte("\x00\x01"), func(v []byte) []byte { return v[:7] })
	if s, err := storage.Open(options(fs)); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("opened: %v, %v, want %v", s, err, storage.ErrCorrupt)
	}
}
