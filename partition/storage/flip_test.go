package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

const rotKeys = 120

func rotValue(i int) string { return strings.Repeat(fmt.Sprint("value", i, " "), 1+i%40) }

// rotten makes a store with tables, a log that was cut off by a crash after a
// Seal, and one copy whose keys are "0" to rotKeys-1.
func rotten(t *testing.T) (fs *vfs.MemFS, slot storage.Slot) {
	t.Helper()
	fs = vfs.NewCrashableMem()
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := openOnly(t, fs)
	slot = create(t, s, 1, 0)
	fill := func(s *storage.Store, from, to int) {
		for i := from; i < to; i++ {
			commit(t, s, func(b *storage.Batch) {
				b.Append(slot, put(1, partition.Seq(i+1), fmt.Sprint(i), rotValue(i)), 0)
			})
		}
	}
	fill(s, 0, rotKeys/2)
	closeStore(t, s)
	s = openOnly(t, fs) // makes a table of the log
	fill(s, rotKeys/2, rotKeys)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	left := fs.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	return left, slot
}

// judge opens a store that may be damaged: it is to be refused, or to give every
// key its value or an error. It reports whether damage was noticed.
func judge(t *testing.T, what string, fs vfs.FS, slot storage.Slot) (noticed bool) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s: panic: %v", what, r)
		}
	}()
	s, err := storage.Open(options(fs))
	if err != nil {
		if errors.Is(err, storage.ErrCorrupt) && !strings.Contains(err.Error(), "start the node under its name") {
			t.Errorf("%s: not opened, without a word on what to do: %v", what, err)
		}
		return true
	}
	defer s.Close()
	copies, err := s.Copies(1)
	if err != nil {
		return true
	}
	if len(copies) != 1 {
		t.Errorf("%s: %d copies, want 1", what, len(copies))
		return false
	}
	if copies[0].Position.Mark != nil {
		return true
	}
	if got := copies[0].Position.Last.Seq; got != rotKeys {
		t.Errorf("%s: the copy ends at %d, want %d", what, got, rotKeys)
	}
	for i := range rotKeys {
		rec, found, closer, err := s.Get(slot, []byte(fmt.Sprint(i)))
		switch {
		case err != nil:
			noticed = true
		case !found || string(rec.Value) != rotValue(i):
			t.Errorf("%s: key %d: found %t, %q", what, i, found, rec.Value)
		}
		closer.Close()
	}
	return noticed
}

// clone copies the store's directory.
func clone(t *testing.T, fs *vfs.MemFS) *vfs.MemFS {
	t.Helper()
	to := vfs.NewMem()
	if _, err := vfs.Clone(fs, to, dir, dir); err != nil {
		t.Fatal(err)
	}
	return to
}

func files(t *testing.T, fs vfs.FS) []string {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func newestLog(t *testing.T, fs vfs.FS) string {
	t.Helper()
	newest := ""
	for _, name := range files(t, fs) {
		if strings.HasSuffix(name, ".log") && name > newest {
			newest = name // six digits each
		}
	}
	return newest
}

// Whichever bit of whichever file is flipped, nothing that was acknowledged is
// gone without a word, and nothing else is read in its place.
func TestAFlippedBitIsNeverASilentLoss(t *testing.T) {
	pristine, slot := rotten(t)
	if judge(t, "undamaged", clone(t, pristine), slot) {
		t.Fatal("the undamaged store is found damaged")
	}
	histories(t, func(t *testing.T, rng *rand.Rand) {
		for _, name := range files(t, pristine) {
			size, noticed := len(content(t, pristine, name)), 0
			for range min(size, 5) {
				fs := clone(t, pristine)
				bit := rng.IntN(size * 8)
				content(t, fs, name)[bit/8] ^= 1 << (bit % 8)
				if judge(t, fmt.Sprintf("%s with bit %d of %d flipped", name, bit, 8*size), fs, slot) {
					noticed++
				}
			}
			t.Logf("%s, %d bytes: %d flips noticed", name, size, noticed)
		}
	})
}

// The manifest of a store that has made tables of its log is as good as the data.
func TestEveryFlippedBitOfTheManifestIsFound(t *testing.T) {
	fs := vfs.NewCrashableMem()
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := openOnly(t, fs)
	slot := create(t, s, 1, 0)
	value := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(value)
	for seq := range partition.Seq(36) { // more than two memtables
		commit(t, s, func(b *storage.Batch) { b.Append(slot, put(1, seq+1, fmt.Sprint(seq), string(value)), 0) })
	}
	left := fs.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	manifest := ""
	for _, name := range files(t, left) {
		if after, found := strings.CutPrefix(name, "marker.manifest."); found {
			_, manifest, _ = strings.Cut(after, ".")
		}
	}
	buf := content(t, left, manifest)
	for bit := range len(buf) * 8 {
		buf[bit/8] ^= 1 << (bit % 8)
		if s, err := storage.Open(options(left)); !errors.Is(err, storage.ErrCorrupt) {
			t.Fatalf("bit %d of %d: opened: %v, %v, want %v", bit, 8*len(buf), s, err, storage.ErrCorrupt)
		}
		buf[bit/8] ^= 1 << (bit % 8)
	}
	closeStore(t, openOnly(t, left))
}

// Also the last write of all, which nothing follows.
func TestEveryFlippedBitOfTheLastWriteIsFound(t *testing.T) {
	fs := vfs.NewCrashableMem()
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := openOnly(t, fs)
	slot := create(t, s, 1, 0)
	commit(t, s, func(b *storage.Batch) { b.Append(slot, put(1, 1, "key", "the last value"), 0) })
	left := fs.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	buf := content(t, left, newestLog(t, left))
	for bit := range len(bytes.TrimRight(buf, "\x00")) * 8 {
		buf[bit/8] ^= 1 << (bit % 8)
		if s, err := storage.Open(options(left)); !errors.Is(err, storage.ErrCorrupt) {
			t.Fatalf("bit %d: opened: %v, %v, want %v", bit, s, err, storage.ErrCorrupt)
		}
		buf[bit/8] ^= 1 << (bit % 8)
	}
	s = open(t, left)
	if got, want := position(t, s, 1, slot).Last.Seq, partition.Seq(1); got != want {
		t.Errorf("the copy ends at %d, want %d", got, want)
	}
}

// A pause after the last write is enough to notice more than a flipped bit.
func TestASealedLogIsNotTakenForOneCutOff(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		fs := vfs.NewCrashableMem()
		if err := fs.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		s := openOnly(t, fs)
		slot := create(t, s, 1, 0)
		commit(t, s, func(b *storage.Batch) { b.Append(slot, put(1, 1, "key", strings.Repeat("value", 100)), 0) })
		if sealed {
			if err := s.Seal(); err != nil {
				t.Fatal(err)
			}
		}
		left := fs.CrashClone(vfs.CrashCloneCfg{})
		closeStore(t, s)
		buf := content(t, left, newestLog(t, left))
		at := bytes.Index(buf, []byte("valuevalue"))
		if at < 0 {
			t.Fatal("the value is not in the log as it stands")
		}
		clear(buf[at : at+100])
		s, err := storage.Open(options(left))
		if noticed := errors.Is(err, storage.ErrCorrupt); noticed != sealed {
			t.Errorf("sealed %t: %v", sealed, err)
		}
		if s != nil {
			closeStore(t, s)
		}
	}
}

// A file that is cut short or gone is noticed.
func TestAFileThatIsCutShortOrGoneIsNeverASilentLoss(t *testing.T) {
	pristine, slot := rotten(t)
	for _, name := range files(t, pristine) {
		fs := clone(t, pristine)
		if err := fs.Remove(fs.PathJoin(dir, name)); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s gone: noticed %t", name, judge(t, name+" gone", fs, slot))
		size := len(content(t, pristine, name))
		for _, left := range []int{0, size / 3, size / 2, size - 1} {
			if size == 0 {
				break
			}
			fs := clone(t, pristine)
			truncate(t, fs, name, left)
			noticed := judge(t, fmt.Sprintf("%s cut to %d of %d bytes", name, left, size), fs, slot)
			t.Logf("%s cut to %d of %d bytes: noticed %t", name, left, size, noticed)
		}
	}
}

// content returns a file's bytes, to be changed in place.
func content(t *testing.T, fs *vfs.MemFS, name string) []byte {
	t.Helper()
	buf, err := fs.UnsafeGetFileDataBuffer(fs.PathJoin(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return buf
}

func truncate(t *testing.T, fs *vfs.MemFS, name string, size int) {
	t.Helper()
	kept := append([]byte(nil), content(t, fs, name)[:size]...)
	f, err := fs.Create(path.Join(dir, name), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(kept); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
