package storage_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

func TestKeysResumeAndStop(t *testing.T) {
	s := open(t, vfs.NewMem())
	slot := create(t, s, 1, 0)
	keys := []string{"a", "a\x00", "a\x00\x00", "ab", "b", "\xff", "\xff\xff"}
	commit(t, s, func(b *storage.Batch) {
		for i, k := range keys {
			b.Append(slot, put(1, partition.Seq(i+1), k, k), 0)
		}
	})
	var got []string
	for after := []byte(nil); ; {
		seen := 0
		err := s.Keys(slot, after, func(key []byte, r partition.Record) bool {
			if !bytes.Equal(key, r.Value) {
				t.Errorf("key %q has value %q", key, r.Value)
			}
			got = append(got, string(key))
			after = bytes.Clone(key)
			seen++
			return seen < 2
		})
		if err != nil {
			t.Fatal(err)
		}
		if seen == 0 {
			break
		}
	}
	if strings.Join(got, "|") != strings.Join(keys, "|") {
		t.Errorf("two at a time: %q, want %q", got, keys)
	}
}

func TestTombstonesAreFound(t *testing.T) {
	s := open(t, vfs.NewMem())
	slot := create(t, s, 1, 0)
	keys := []string{"a", "a\x00", "b", "c", "d", "e"}
	commit(t, s, func(b *storage.Batch) {
		for i, k := range keys {
			b.Append(slot, put(1, partition.Seq(i+1), k, "v"), 0)
		}
	})
	list := func(after string, atMost int) (found []string) {
		err := s.Tombstones(slot, []byte(after), func(key []byte) bool {
			found = append(found, string(key))
			return len(found) < atMost
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := list("", 10); len(got) != 0 {
		t.Errorf("among live keys: %q", got)
	}
	commit(t, s, func(b *storage.Batch) {
		for i, k := range keys[:5] {
			b.Append(slot, remove(1, partition.Seq(7+i), k, true), 0)
		}
		b.Append(slot, put(1, 12, "b", "live again"), 0)
		b.Append(slot, remove(1, 13, "c", false), 0) // swept
		b.Append(slot, remove(1, 14, "e", false), 0)
	})
	for _, c := range []struct {
		after  string
		atMost int
		want   []string
	}{
		{"", 10, []string{"a", "a\x00", "d"}},
		{"", 2, []string{"a", "a\x00"}},
		{"a", 10, []string{"a\x00", "d"}},
		{"a\x00", 10, []string{"d"}},
		{"d", 10, nil},
	} {
		if got := list(c.after, c.atMost); !slices.Equal(got, c.want) {
			t.Errorf("at most %d after %q: %q, want %q", c.atMost, c.after, got, c.want)
		}
	}
}
