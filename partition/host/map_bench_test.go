package host_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/host"
	"pipelinedht/partition/replica"
	"pipelinedht/partition/storage"
)

// herald publishes maps to one host: a host.Cluster that decides nothing.
type herald struct {
	mu      sync.Mutex
	m       *partition.Map
	changed chan struct{} // closed at the next publish
}

func (c *herald) Map() *partition.Map {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m
}

func (c *herald) Watch() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

func (c *herald) ChangeCopies(ctx context.Context, _ []partition.Change) error {
	<-ctx.Done()
	return ctx.Err()
}

func (c *herald) publish(m *partition.Map) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m = m
	close(c.changed)
	c.changed = make(chan struct{})
}

// void is a network that takes everything and brings nothing.
type void struct{}

func (void) MaxBody(replica.Lane) int                            { return 1 << 20 }
func (void) Send(partition.NodeID, replica.Lane, ...[]byte) bool { return true }
func (void) Call(context.Context, partition.NodeID, replica.Lane, []byte) ([]byte, error) {
	return nil, host.ErrNotSent
}

// settledMap returns a map in which every partition is where it is to be.
func settledMap(nodes, partitions, replicas int) *partition.Map {
	m := &partition.Map{
		Cluster:  1,
		Settings: partition.Settings{Partitions: partitions, Replicas: replicas, Hash: "xxhash64"},
		Version:  1,
		Table:    make([]partition.Row, partitions),
	}
	for i := range nodes {
		m.Peers = append(m.Peers, partition.Peer{ID: id(i + 1), Name: fmt.Sprint("node", i+1), Incarnation: 1, UpAt: 1})
	}
	for p, target := range partition.Plan(m) {
		m.Table[p] = partition.Row{
			Epoch: 1, Term: 1, Primary: target[0], InSync: slices.Sorted(slices.Values(target)), Target: target, MinInSync: replicas - 1,
		}
	}
	return m
}

// changed returns the next map, in which the rows that pick picks have one copy
// less in sync, or have it again.
func changed(m *partition.Map, pick func(*partition.Row) bool) *partition.Map {
	next := *m
	next.Version++
	next.Table = slices.Clone(m.Table)
	for p := range next.Table {
		row := &next.Table[p]
		if !pick(row) {
			continue
		}
		row.Epoch = partition.Epoch(next.Version)
		if row.InSync = slices.Sorted(slices.Values(row.Target)); len(m.Table[p].InSync) == len(row.Target) {
			row.InSync = slices.Sorted(slices.Values(row.Target[:len(row.Target)-1]))
		}
	}
	return &next
}

// BenchmarkMap1000x65536 is how long a node takes to go through a new map, and go
// by it. It has a copy of about 200 of the partitions.
func BenchmarkMap1000x65536(b *testing.B) {
	const self = id(500)
	settled := settledMap(1000, 65536, 3)
	others := 0
	for _, x := range []struct {
		name string
		pick func(*partition.Row) bool
	}{
		{"one row of others changes", func(row *partition.Row) bool {
			others++
			return others%len(settled.Table) == 0 && !row.HasCopy(self)
		}},
		{"the rows that it leads change", func(row *partition.Row) bool { return row.Primary == self }},
	} {
		b.Run(x.name, func(b *testing.B) {
			store, err := storage.Open(storage.Options{Dir: "data", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			cluster := &herald{m: settled, changed: make(chan struct{})}
			h, err := host.Open(host.Config{
				Self: self, Incarnation: 1, Generation: 1, Store: store, Net: void{}, Cluster: cluster,
				Fatal: func(err error) { b.Error(err) }, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				b.Fatal(err)
			}
			defer h.Close()
			await := func(m *partition.Map) {
				for h.Map() != m {
				}
			}
			await(settled)
			m := settled
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				m = changed(m, x.pick)
				b.StartTimer()
				cluster.publish(m)
				await(m)
			}
		})
	}
}
