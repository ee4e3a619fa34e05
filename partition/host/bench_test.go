package host_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"pipelinedht/partition"
	"pipelinedht/partition/host"
	"pipelinedht/partition/replica"
	"pipelinedht/partition/storage"
)

// wire carries bodies between two hosts at no cost but the copies.
type wire struct {
	self  partition.NodeID
	other atomic.Pointer[host.Host] // nil until it is open
}

func (w *wire) MaxBody(replica.Lane) int { return 1 << 20 }

func (w *wire) Send(_ partition.NodeID, lane replica.Lane, bodies ...[]byte) bool {
	other := w.other.Load()
	for i := 0; i < len(bodies) && other != nil; i++ {
		other.Message(w.self, 1, lane, bytes.Clone(bodies[i]))
	}
	return other != nil
}

func (w *wire) Call(ctx context.Context, _ partition.NodeID, lane replica.Lane, body []byte) ([]byte, error) {
	other := w.other.Load()
	if other == nil {
		return nil, host.ErrNotSent
	}
	done := make(chan []byte, 1)
	other.Call(w.self, lane, bytes.Clone(body), func(b []byte) { done <- bytes.Clone(b) })
	return <-done, nil
}

// pairOf starts two hosts in memory; the first one leads all partitions.
func pairOf(b *testing.B, inSync ...partition.NodeID) (first, second *host.Host) {
	c := found(64, len(inSync), 1, 2)
	c.retarget(func(int) []id { return inSync })
	wires := [2]*wire{{self: 1}, {self: 2}}
	var hosts [2]*host.Host
	for i := range hosts {
		store, err := storage.Open(storage.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		h, err := host.Open(host.Config{
			Self: id(i + 1), Incarnation: 1, Generation: 1, Store: store, Net: wires[i],
			Cluster: c.enter(id(i+1), 1, 0), Fatal: func(err error) { b.Error(err) },
		})
		if err != nil {
			b.Fatal(err)
		}
		wires[1-i].other.Store(h)
		b.Cleanup(func() { h.Close(); store.Close() })
		hosts[i] = h
	}
	return hosts[0], hosts[1]
}

func keysOf(n int) [][]byte {
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "key-%012d", i)
	}
	return keys
}

func fill(b *testing.B, h *host.Host, keys [][]byte) {
	value := bytes.Repeat([]byte{'v'}, 100)
	for _, k := range keys {
		if _, _, err := h.Write(context.Background(), partition.Op{Kind: partition.OpPut, Key: k, Value: value}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkGet(b *testing.B, h *host.Host, keys [][]byte) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		res, err := h.Get(context.Background(), keys[i%len(keys)])
		if err != nil || !res.Found {
			b.Fatal(err)
		}
		res.Close()
	}
}

func BenchmarkGetAtThePrimary(b *testing.B) {
	first, _ := pairOf(b, 1)
	keys := keysOf(10000)
	fill(b, first, keys)
	benchmarkGet(b, first, keys)
}

func BenchmarkGetForwarded(b *testing.B) {
	first, second := pairOf(b, 1)
	keys := keysOf(10000)
	fill(b, first, keys)
	benchmarkGet(b, second, keys)
}

func benchmarkPut(b *testing.B, h *host.Host) {
	keys := keysOf(10000)
	value := bytes.Repeat([]byte{'v'}, 100)
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			op := partition.Op{Kind: partition.OpPut, Key: bytes.Clone(keys[i%len(keys)]), Value: value}
			if _, _, err := h.Write(context.Background(), op); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPutOneCopy(b *testing.B) {
	first, _ := pairOf(b, 1)
	benchmarkPut(b, first)
}

func BenchmarkPutTwoCopies(b *testing.B) {
	first, _ := pairOf(b, 1, 2)
	benchmarkPut(b, first)
}

func BenchmarkPutForwarded(b *testing.B) {
	_, second := pairOf(b, 1)
	benchmarkPut(b, second)
}
