package storage_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// bench is a store with many copies, written round robin.
type bench struct {
	b     *testing.B
	store *storage.Store
	slots []storage.Slot
	last  []partition.Seq
	entry partition.Entry
	key   [16]byte
	next  uint64
}

const benchCopies, benchLog = 64, 256

func newBench(b *testing.B, o storage.Options, valueBytes int) *bench {
	b.Helper()
	s, err := storage.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { closeStore(b, s) })
	w := &bench{b: b, store: s, last: make([]partition.Seq, benchCopies)}
	for p := range partition.ID(benchCopies) {
		w.slots = append(w.slots, create(b, s, 1, p))
	}
	w.entry.Kind, w.entry.Value = partition.EntryPut, make([]byte, valueBytes)
	return w
}

// append adds the next entry to the batch, trimming the log now and then.
func (w *bench) append(batch *storage.Batch) {
	i := w.next % benchCopies
	w.next++
	w.last[i]++
	binary.BigEndian.PutUint64(w.key[:], w.next*0x9e3779b97f4a7c15) // spread
	binary.BigEndian.PutUint64(w.key[8:], w.next)
	w.entry.Label = partition.Label{Term: 1, Seq: w.last[i]}
	w.entry.Stamp, w.entry.Key = partition.Stamp(w.next), w.key[:]
	batch.Append(w.slots[i], &w.entry, w.last[i]-1)
	if w.last[i]%(benchLog/2) == 0 && w.last[i] > benchLog {
		batch.Trim(w.slots[i], w.last[i]-benchLog)
	}
}

func (w *bench) commit(batch *storage.Batch) {
	if err := batch.Commit(); err != nil {
		w.b.Fatal(err)
	}
	batch.Reset()
}

// BenchmarkCommit appends entries of 16-byte keys and 100-byte values and commits
// them in one batch.
func BenchmarkCommit(b *testing.B) {
	for _, where := range []string{"memory", "disk"} {
		for _, entries := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", where, entries), func(b *testing.B) {
				o := inMemory()
				if where == "disk" {
					o.Dir = b.TempDir()
				}
				w := newBench(b, o, 100)
				batch := w.store.NewBatch()
				b.ReportAllocs()
				for b.Loop() {
					for range entries {
						w.append(batch)
					}
					w.commit(batch)
				}
			})
		}
	}
}

// BenchmarkGet reads values of 100 bytes, 100,000 keys, in memory.
func BenchmarkGet(b *testing.B) {
	const keys = 100_000
	w := newBench(b, inMemory(), 100)
	batch := w.store.NewBatch()
	for range keys / 100 {
		for range 100 {
			w.append(batch)
		}
		w.commit(batch)
	}
	for _, found := range []bool{true, false} {
		b.Run(fmt.Sprintf("found=%t", found), func(b *testing.B) {
			var key [16]byte
			b.ReportAllocs()
			for n := uint64(0); b.Loop(); n += 7919 {
				i := n%keys + 1
				binary.BigEndian.PutUint64(key[:], i*0x9e3779b97f4a7c15)
				binary.BigEndian.PutUint64(key[8:], i)
				if !found {
					key[15] ^= 0x80
				}
				_, ok, closer, err := w.store.Get(w.slots[(i-1)%benchCopies], key[:])
				if err != nil || ok != found {
					b.Fatal(ok, err)
				}
				closer.Close()
			}
		})
	}
}
