package host_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/host"
)

// list returns what a node lists.
func (w *world) list(id id) []string {
	w.t.Helper()
	var keys []string
	err := w.node(id).Keys(context.Background(), func(key []byte) bool {
		keys = append(keys, string(key))
		return true
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return keys
}

func TestEachKeyIsListedByItsPrimaryAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settled(t)
		defer w.close()
		var want []string
		for i := range 1000 {
			key := fmt.Sprint("key", i)
			w.put(id(1+i%3), key, "v")
			if i%5 == 0 {
				w.del(1, key)
			} else {
				want = append(want, key)
			}
		}
		var got []string
		for n := id(1); n <= 3; n++ {
			keys := w.list(n)
			if len(keys) < 200 {
				t.Errorf("node %d lists %d keys", n, len(keys))
			}
			for _, key := range keys {
				if p := partition.Of([]byte(key), 16); w.council.latest().Table[p].Primary != n {
					t.Errorf("node %d lists %s of partition %d", n, key, p)
				}
			}
			got = append(got, keys...)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("listed %d keys, want %d", len(got), len(want))
		}
		first := 0
		err := w.node(1).Keys(t.Context(), func([]byte) bool { first++; return first < 10 })
		if err != nil || first != 10 {
			t.Errorf("stopped after %d keys, %v; want 10", first, err)
		}
	})
}

func TestAListingOfANodeThatMayNotReadFailsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settled(t)
		defer w.close()
		w.put(1, "key", "value")
		w.node(1).seat.mute(true)
		w.net.cut(1, true)
		time.Sleep(2 * time.Second)
		err := w.node(1).Keys(t.Context(), func([]byte) bool { return true })
		if err == nil {
			t.Error("a node that is cut off lists its keys")
		}
	})
}

// A delete that not all copies have yet may come to nothing: its key is still there
// until they do.
func TestAKeyWhoseDeleteIsUnderWayIsNotLeftOutOfAListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settled(t)
		defer w.close()
		const key = "key"
		w.put(1, key, "value")
		primary := w.council.latest().Table[partition.Of([]byte(key), 16)].Primary
		w.net.cut(primary, true) // what it had been granted runs on for a while
		w.node(primary).seat.mute(true)
		brief, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if _, _, err := w.node(primary).Write(brief, partition.Op{Kind: partition.OpDelete, Key: []byte(key)}); !errors.Is(err, partition.ErrUnknown) {
			t.Fatalf("the delete is not under way: %v", err)
		}
		listing, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		var keys []string
		err := w.node(primary).Keys(listing, func(key []byte) bool {
			keys = append(keys, string(key))
			return true
		})
		if err == nil && !slices.Contains(keys, key) {
			t.Errorf("listed %q without %q", keys, key)
		}
		w.net.cut(primary, false)
		w.node(primary).seat.mute(false)
	})
}

// importing marks a peer as importing, or not any more.
func (w *world) importing(id id, on bool) {
	w.council.change(func(m *partition.Map) {
		for i := range m.Peers {
			if m.Peers[i].ID == id {
				m.Peers[i].Importing = on
			}
		}
	})
}

// tombstones counts them in a node's copies.
func (w *world) tombstones(n id) (count int) {
	w.t.Helper()
	copies, err := w.node(n).store.Copies(1)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range copies {
		err := w.node(n).store.Keys(c.Slot, nil, func(_ []byte, r partition.Record) bool {
			if r.Tombstone {
				count++
			}
			return true
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return count
}

func TestTombstonesAreSweptOnceNobodyImports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settled(t)
		defer w.close()
		for i := range 50 {
			w.put(1, fmt.Sprint("key", i), "v")
		}
		w.importing(3, true)
		time.Sleep(10 * time.Millisecond)
		for i := range 60 { // the last ten were never there
			w.del(1, fmt.Sprint("key", i))
		}
		time.Sleep(20 * time.Second)
		for n := id(1); n <= 3; n++ {
			if got := w.tombstones(n); got != 60 {
				t.Errorf("while importing, node %d has %d tombstones, want 60", n, got)
			}
		}
		w.put(1, "key1", "again")
		w.importing(3, false)
		w.wait(30*time.Second, "tombstones are swept", func() bool {
			return w.tombstones(1)+w.tombstones(2)+w.tombstones(3) == 0
		})
		w.expect(2, "key1", "again")
		w.expectNone(2, "key2")
	})
}

func TestANodeThatKeepsTombstonesNeverSweepsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, council: found(4, 1, 1), net: newNetwork(7), nodes: make(map[id]*node)}
		w.edit = func(c *host.Config) { c.Tombstones = true }
		w.start(1, newFS(), 1)
		defer w.close()
		w.put(1, "key", "v")
		w.del(1, "key")
		time.Sleep(time.Minute)
		if got := w.tombstones(1); got != 1 {
			t.Errorf("%d tombstones, want 1", got)
		}
		w.expectNone(1, "key")
	})
}

func TestACopyThatIsKeptStaysInTheStoreWhenItsPlaceIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4, 1, 1, 2)
		defer w.close()
		kept := func(p partition.ID) bool { return p%2 == 0 }
		w.stop(w.node(1))
		w.edit = func(c *host.Config) { c.Keep = kept }
		w.start(1, newFS(), 2)
		for i := range 40 {
			w.put(1, fmt.Sprint("key", i), "v")
		}
		w.council.retarget(func(int) []id { return []id{2} })
		w.settle(10 * time.Second)
		w.wait(10*time.Second, "copies are dropped", func() bool { return len(w.held(1)) == 2 })
		for _, p := range w.held(1) {
			if !kept(p) || len(w.dump(1, p)) == 0 {
				t.Errorf("kept partition %d with %d keys", p, len(w.dump(1, p)))
			}
		}
		// A place given anew begins with an empty copy, not with the kept one.
		w.council.retarget(func(int) []id { return []id{2, 1} })
		w.settle(10 * time.Second)
		w.equal(1, 2)
	})
}

// held returns the partitions that a node's store has copies of.
func (w *world) held(n id) (held []partition.ID) {
	w.t.Helper()
	copies, err := w.node(n).store.Copies(1)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range copies {
		held = append(held, c.Partition)
	}
	return held
}

func TestStatusCountsRolesAndTransfers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settled(t)
		defer w.close()
		w.council.add(4)
		w.start(4, newFS(), 1)
		w.put(1, "key", "v")
		var got host.Status
		w.wait(time.Second, "node 1 is up and serving", func() bool {
			got = w.node(1).Status()
			return got.Up && got.Serving == got.Primary
		})
		want := host.Status{Up: true, Version: w.council.latest().Version, Primary: 6, Serving: 6, InSync: 16}
		// Two copies were added to each of 16 partitions, and one key was written.
		if totals := got.Totals; totals.Added != 32 || totals.Batches == 0 || totals.BatchWrites < totals.Batches {
			t.Errorf("totals: got %+v, want 32 added, and some batches of writes", totals)
		}
		got.DiskBytes, got.MemoryBytes, got.Transfers, got.Totals = 0, 0, nil, host.Totals{}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}
