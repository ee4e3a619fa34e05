package storage_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// valueOf reads one key, tombstones and missing keys as "-".
func valueOf(t testing.TB, s *storage.Store, slot storage.Slot, key string) string {
	t.Helper()
	r, found, closer, err := s.Get(slot, []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	if !found || r.Tombstone {
		return "-"
	}
	return string(r.Value)
}

func TestReadsSeeEveryFinishedCommit(t *testing.T) {
	const keys, writes, readers = 3, 2000, 4
	everywhere(t, func(t *testing.T, s *storage.Store) {
		slot := create(t, s, 1, 0)
		var last [keys]atomic.Int64 // committed
		seq := partition.Seq(0)
		write := func(k int, value int64) {
			seq++
			commit(t, s, func(b *storage.Batch) {
				b.Append(slot, put(1, seq, fmt.Sprint(k), strconv.FormatInt(value, 10)), seq-1)
			})
			last[k].Store(value)
		}
		for k := range keys {
			write(k, 1)
		}
		var reading sync.WaitGroup
		done := make(chan struct{})
		for r := range readers {
			reading.Go(func() {
				for i := r; ; i++ {
					select {
					case <-done:
						return
					default:
					}
					k := i % keys
					least := last[k].Load()
					got, err := strconv.ParseInt(valueOf(t, s, slot, fmt.Sprint(k)), 10, 64)
					if err != nil || got < least {
						t.Errorf("key %d: got %d (%v), after %d was committed", k, got, err, least)
						return
					}
				}
			})
		}
		for i := range int64(writes) {
			write(int(i)%keys, i+2)
		}
		close(done)
		reading.Wait()
	})
}

func TestReadsSeeWhatATransferMade(t *testing.T) {
	everywhere(t, func(t *testing.T, s *storage.Store) {
		slot, other := create(t, s, 1, 0), create(t, s, 1, 1)
		commit(t, s, func(b *storage.Batch) {
			b.Append(slot, put(1, 1, "kept", "old"), 0)
			b.Append(slot, put(1, 2, "gone", "old"), 0)
			b.Append(other, put(1, 1, "kept", "of another copy"), 0)
		})
		expect := func(when, key, want string) {
			t.Helper()
			for range 2 { // the second time out of the cache
				if got := valueOf(t, s, slot, key); got != want {
					t.Errorf("%s: %s: got %q, want %q", when, key, got, want)
				}
			}
			if got := valueOf(t, s, other, "kept"); got != "of another copy" {
				t.Errorf("%s: the other copy: got %q", when, got)
			}
		}
		expect("before", "kept", "old")
		expect("before", "gone", "old")
		at := partition.Position{Last: partition.Label{Term: 2, Seq: 9}, Terms: []partition.TermStart{{Term: 2, First: 9}}}
		commit(t, s, func(b *storage.Batch) {
			b.Begin(slot, &storage.Head{Reset: true, After: partition.Label{Term: 2, Seq: 9}, Position: at})
			b.Put(slot, partition.KeyState{Key: []byte("kept"), Found: true, Record: partition.Record{Stamp: 5000, Value: []byte("new")}})
		})
		expect("after the whole copy", "kept", "new")
		expect("after the whole copy", "gone", "-")
		commit(t, s, func(b *storage.Batch) { b.Put(slot, partition.KeyState{Key: []byte("kept")}) })
		expect("after the delete", "kept", "-")
	})
}

// Pebble keeps the content of a large batch for itself, so what it changes must be
// known otherwise.
func TestReadsSeeALargeCommit(t *testing.T) {
	everywhere(t, func(t *testing.T, s *storage.Store) {
		slot := create(t, s, 1, 0)
		commit(t, s, func(b *storage.Batch) {
			b.Append(slot, put(1, 1, "small", "old"), 0)
			b.Append(slot, put(1, 2, "grows", "old"), 0)
		})
		for _, key := range []string{"small", "grows", "small", "grows"} {
			if got := valueOf(t, s, slot, key); got != "old" {
				t.Fatalf("%s: got %q", key, got)
			}
		}
		large := strings.Repeat("x", 16<<20)
		commit(t, s, func(b *storage.Batch) {
			b.Append(slot, put(1, 3, "small", "new"), 2)
			b.Append(slot, put(1, 4, "grows", large), 2)
		})
		if got := valueOf(t, s, slot, "small"); got != "new" {
			t.Errorf("small: got %q", got)
		}
		if got := valueOf(t, s, slot, "grows"); got != large {
			t.Errorf("grows: got %d bytes, want %d", len(got), len(large))
		}
	})
}
