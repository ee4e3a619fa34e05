package storage_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// directory prints the copies of a generation, one line each.
func directory(t testing.TB, s *storage.Store, g storage.Generation) string {
	t.Helper()
	copies, err := s.Copies(g)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, c := range copies {
		fmt.Fprintf(&out, "%d in slot %d from %v: %s\n", c.Partition, c.Slot, c.Origin, describe(c.Position))
	}
	return out.String()
}

func TestTheDirectoryKeepsGenerationsApart(t *testing.T) {
	fs := vfs.NewMem()
	s := openOnly(t, fs)
	for _, p := range []partition.ID{300, 2, 65535} {
		create(t, s, 1, p)
	}
	slot := create(t, s, 2, 2)
	if _, err := s.Create(1, 2); !errors.Is(err, storage.ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	commit(t, s, func(b *storage.Batch) { b.Drop(2, 2, slot) })
	if again := create(t, s, 2, 2); again <= slot {
		t.Errorf("slot %d after slot %d was dropped", again, slot)
	}
	const none = " from {0000000000000000 0}: log 1 to 0/0 terms [] stamp 0 commit 0\n"
	want := map[storage.Generation]string{
		0: "", 3: "",
		1: "2 in slot 2" + none + "300 in slot 1" + none + "65535 in slot 3" + none,
		2: "2 in slot 5" + none,
	}
	for range 2 {
		for g, want := range want {
			if got := directory(t, s, g); got != want {
				t.Errorf("generation %d has\n%swant\n%s", g, got, want)
			}
		}
		closeStore(t, s)
		s = openOnly(t, fs)
	}
	if slot := create(t, s, 3, 1); slot != 6 {
		t.Errorf("first slot after reopening: %d, want 6", slot)
	}
	closeStore(t, s)
}

// life fills generation 1 with copies of partitions 0 to 3; the last one is empty.
func life(t testing.TB, s *storage.Store) (slots []storage.Slot) {
	for p := range partition.ID(4) {
		slots = append(slots, create(t, s, 1, p))
	}
	commit(t, s, func(b *storage.Batch) {
		for p, slot := range slots[:3] {
			for seq := range partition.Seq(5) {
				b.Append(slot, put(partition.Term(10+seq/2), seq+1, fmt.Sprintf("%d-%d", p, seq), "v"), seq)
			}
			b.Trim(slot, 2)
		}
	})
	return slots
}

func TestCopiesMoveToTheNextGeneration(t *testing.T) {
	fs := vfs.NewMem()
	s := openOnly(t, fs)
	slots := life(t, s)
	commit(t, s, func(b *storage.Batch) { b.Append(slots[0], remove(12, 6, "0-1", true), 5) })
	origin := partition.Origin{Cluster: 0xabc, Stamp: 1006}
	err := s.MoveCopies(1, 2, map[partition.ID]partition.Origin{0: origin, 2: {}, 3: origin},
		map[string][]byte{"generation": {2}})
	if err != nil {
		t.Fatal(err)
	}
	want := "0 in slot 1 from {0000000000000abc 1006}: log 7 to 0/6 terms [{0 1}] stamp 1006 commit 6\n" +
		"2 in slot 3 from {0000000000000000 0}: log 6 to 0/5 terms [{0 1}] stamp 1005 commit 5\n" +
		"3 in slot 4 from {0000000000000abc 1006}: log 1 to 0/0 terms [] stamp 0 commit 0\n"
	for range 2 {
		if got := directory(t, s, 2); got != want {
			t.Errorf("next generation has\n%swant\n%s", got, want)
		}
		if got := directory(t, s, 1); got != "" {
			t.Errorf("old generation still has\n%s", got)
		}
		got := state(t, s, slots[0])
		if want := "\"0-0\"@1001 = \"v\"\n\"0-1\"@1006 deleted\n\"0-2\"@1003 = \"v\"\n\"0-3\"@1004 = \"v\"\n\"0-4\"@1005 = \"v\"\n"; got != want {
			t.Errorf("kept copy holds\n%swant\n%s", got, want)
		}
		if got := state(t, s, slots[1]); got != "" {
			t.Errorf("copy not kept still holds\n%s", got)
		}
		if v, _, err := s.Meta("generation"); err != nil || string(v) != "\x02" {
			t.Errorf("metadata: %q, %v", v, err)
		}
		closeStore(t, s)
		s = openOnly(t, fs)
	}
	commit(t, s, func(b *storage.Batch) { b.Append(slots[0], put(1, 7, "new", "v"), 6) })
	if got, want := describe(position(t, s, 2, slots[0])), "log 7 to 1/7 terms [{0 1} {1 7}] stamp 1007 commit 6"; got != want {
		t.Errorf("the next life begins at %s, want %s", got, want)
	}
	closeStore(t, s)
}

func TestAMoveThatCannotBeMadeChangesNothing(t *testing.T) {
	s := open(t, vfs.NewMem())
	slots := life(t, s)
	create(t, s, 2, 1)
	commit(t, s, func(b *storage.Batch) { b.SetMark(slots[2], &partition.Mark{Common: 3}) })
	before := directory(t, s, 1) + directory(t, s, 2)
	for name, c := range map[string]struct {
		to   storage.Generation
		keep partition.ID
		want error
	}{
		"no such copy":         {2, 9, storage.ErrNoCopy},
		"taken already":        {2, 1, storage.ErrExists},
		"not whole":            {2, 2, storage.ErrMarked},
		"into the same":        {1, 0, storage.ErrExists},
		"not whole, elsewhere": {3, 2, storage.ErrMarked},
	} {
		moves := map[partition.ID]partition.Origin{0: {}, c.keep: {}}
		err := s.MoveCopies(1, c.to, moves, map[string][]byte{"moved": {1}})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if after := directory(t, s, 1) + directory(t, s, 2); after != before {
		t.Errorf("copies are\n%sbefore\n%s", after, before)
	}
	if _, found, err := s.Meta("moved"); found || err != nil {
		t.Errorf("metadata written: %t, %v", found, err)
	}
}

func TestAGenerationIsDropped(t *testing.T) {
	fs := vfs.NewMem()
	s := openOnly(t, fs)
	slots := life(t, s)
	kept := create(t, s, 2, 0)
	commit(t, s, func(b *storage.Batch) { b.Append(kept, put(1, 1, "kept", "v"), 0) })
	if err := s.DropGeneration(1, map[string][]byte{"old": nil, "now": {1}}); err != nil {
		t.Fatal(err)
	}
	if got := directory(t, s, 1); got != "" {
		t.Errorf("still there:\n%s", got)
	}
	for _, slot := range slots {
		if got := state(t, s, slot); got != "" {
			t.Errorf("slot %d still holds\n%s", slot, got)
		}
	}
	if got := state(t, s, kept); !strings.Contains(got, "kept") {
		t.Errorf("another generation's copy holds %q", got)
	}
	closeStore(t, s)
	for _, line := range strings.Split(strings.TrimSpace(dump(t, fs)), "\n") {
		if slot := line[:16]; slot != "0000000000000000" && slot != fmt.Sprintf("%016x", uint64(kept)) {
			t.Errorf("left behind: %s", line)
		}
	}
}

func TestAGenerationIsScannedInPieces(t *testing.T) {
	s := open(t, vfs.NewMem())
	slots := life(t, s)
	commit(t, s, func(b *storage.Batch) { b.Append(slots[1], remove(12, 6, "1-3", true), 5) })
	if err := s.MoveCopies(1, 2, map[partition.ID]partition.Origin{0: {}, 1: {Cluster: 5, Stamp: 1003}, 2: {}, 3: {}}, nil); err != nil {
		t.Fatal(err)
	}
	other := create(t, s, 3, 0)
	commit(t, s, func(b *storage.Batch) { b.Append(other, put(1, 1, "of another generation", "v"), 0) })
	var want []string
	for p := range 3 {
		for k := range 5 {
			want = append(want, fmt.Sprintf("%d %d-%d %t %t", p, p, k, p == 1, p == 1 && k == 3))
		}
	}
	for piece := 1; piece <= len(want)+1; piece++ {
		var got []string
		var at storage.Cursor
		for seen := piece; seen == piece; {
			seen = 0
			err := s.Scan(2, at, func(next storage.Cursor, origin partition.Origin, r partition.Record) bool {
				got = append(got, fmt.Sprintf("%d %s %t %t", next.Partition, next.Key, origin.Cluster == 5, r.Tombstone))
				at = storage.Cursor{Partition: next.Partition, Key: append([]byte(nil), next.Key...)}
				seen++
				return seen < piece
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("in pieces of %d: %q, want %q", piece, got, want)
		}
	}
}
