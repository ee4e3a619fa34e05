package host_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/host"
	"pipelinedht/partition/replica"
	"pipelinedht/partition/storage"
)

// wire carries bodies between hosts at no cost but the copies.
type wire struct {
	self partition.NodeID
	all  *[4]atomic.Pointer[host.Host] // by id; nil until it is open
}

func (w *wire) MaxBody(replica.Lane) int { return 1 << 20 }

func (w *wire) Send(to partition.NodeID, lane replica.Lane, bodies ...[]byte) bool {
	other := w.all[to].Load()
	for i := 0; i < len(bodies) && other != nil; i++ {
		other.Message(w.self, 1, lane, bytes.Clone(bodies[i]))
	}
	return other != nil
}

func (w *wire) Call(ctx context.Context, to partition.NodeID, lane replica.Lane, body []byte) ([]byte, error) {
	other := w.all[to].Load()
	if other == nil {
		return nil, host.ErrNotSent
	}
	done := make(chan []byte, 1)
	other.Call(w.self, lane, bytes.Clone(body), func(b []byte) { done <- bytes.Clone(b) })
	return <-done, nil
}

// benchPartitions is about what a node of a cluster of three leads by default.
const benchPartitions = 341

// hostsOf starts hosts in memory, by id; the first one leads all partitions, with
// that many copies.
func hostsOf(b *testing.B, nodes, copies int) [4]*host.Host {
	ids := []id{1, 2, 3}[:nodes]
	c := found(benchPartitions, copies, ids...)
	c.retarget(func(int) []id { return ids[:copies] })
	var open [4]atomic.Pointer[host.Host]
	var hosts [4]*host.Host
	for _, id := range ids {
		store, err := storage.Open(storage.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		h, err := host.Open(host.Config{
			Self: id, Incarnation: 1, Generation: 1, Store: store, Net: &wire{id, &open},
			Cluster: c.enter(id, 1, 0), Fatal: func(err error) { b.Error(err) },
		})
		if err != nil {
			b.Fatal(err)
		}
		open[id].Store(h)
		b.Cleanup(func() { h.Close(); store.Close() })
		hosts[id] = h
	}
	eventually(b, func() bool {
		return !slices.ContainsFunc(c.latest().Table, func(r partition.Row) bool { return len(r.InSync) != copies })
	})
	return hosts
}

// eventually waits until done, for a minute at most.
func eventually(b *testing.B, done func() bool) {
	for range 60_000 {
		if done() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	b.Fatal("the copies are not in sync within a minute")
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
	hosts := hostsOf(b, 2, 1)
	keys := keysOf(10000)
	fill(b, hosts[1], keys)
	benchmarkGet(b, hosts[1], keys)
}

func BenchmarkGetForwarded(b *testing.B) {
	hosts := hostsOf(b, 2, 1)
	keys := keysOf(10000)
	fill(b, hosts[1], keys)
	benchmarkGet(b, hosts[2], keys)
}

func benchmarkPut(b *testing.B, h *host.Host) {
	keys := keysOf(10000)
	value := bytes.Repeat([]byte{'v'}, 100)
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(len(keys)); pb.Next(); i++ {
			op := partition.Op{Kind: partition.OpPut, Key: bytes.Clone(keys[i%len(keys)]), Value: value}
			if _, _, err := h.Write(context.Background(), op); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPutOneCopy(b *testing.B)     { benchmarkPut(b, hostsOf(b, 1, 1)[1]) }
func BenchmarkPutTwoCopies(b *testing.B)   { benchmarkPut(b, hostsOf(b, 2, 2)[1]) }
func BenchmarkPutThreeCopies(b *testing.B) { benchmarkPut(b, hostsOf(b, 3, 3)[1]) }
func BenchmarkPutForwarded(b *testing.B)   { benchmarkPut(b, hostsOf(b, 2, 1)[2]) }
