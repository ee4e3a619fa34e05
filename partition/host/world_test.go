package host_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/host"
	"pipelinedht/partition/storage"
)

// world is a whole cluster in one process, to be used inside a synctest bubble.
type world struct {
	t       testing.TB
	council *council
	net     *network
	mu      sync.Mutex
	nodes   map[partition.NodeID]*node // guarded by mu
	edit    func(*host.Config)         // of every host opened; nil: none
}

// node is one running host with its store.
type node struct {
	*host.Host
	id    partition.NodeID
	inc   partition.Incarnation
	fs    *vfs.MemFS
	store *storage.Store
	seat  *seat
}

// newWorld starts the given nodes; the first one leads all partitions. Close it.
func newWorld(t testing.TB, q, replicas int, ids ...partition.NodeID) *world {
	t.Helper()
	w := &world{
		t: t, council: found(q, replicas, ids...), net: newNetwork(7),
		nodes: make(map[partition.NodeID]*node),
	}
	for _, id := range ids {
		w.start(id, newFS(), 1)
	}
	return w
}

// start opens a host on what fs has.
func (w *world) start(id partition.NodeID, fs *vfs.MemFS, inc partition.Incarnation) *node {
	w.t.Helper()
	store, err := storage.Open(storage.Options{
		Dir: "data", FS: fs, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	n := &node{id: id, inc: inc, fs: fs, store: store}
	began := time.Now()
	cfg := host.Config{
		Self: id, Incarnation: inc, Generation: 1, Store: store,
		Net:    &plug{network: w.net, self: id, inc: inc},
		Fatal:  func(err error) { w.t.Errorf("node %d: %v", id, err) },
		Clock:  func() time.Duration { return time.Since(began) + time.Duration(id)*time.Hour },
		Logger: slog.New(slog.DiscardHandler),
	}
	n.seat = w.council.enter(id, inc, time.Duration(id-1)*700*time.Microsecond)
	cfg.Cluster = n.seat
	if w.edit != nil {
		w.edit(&cfg)
	}
	if n.Host, err = host.Open(cfg); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.nodes[id] = n
	w.mu.Unlock()
	w.net.attach(id, n.Host)
	return n
}

// kill ends a node as kill -9 and a power cut would, and returns what its disk has.
func (w *world) kill(id partition.NodeID) *vfs.MemFS {
	w.t.Helper()
	n := w.node(id)
	w.net.detach(id)
	w.council.leave(id)
	left := n.fs.CrashClone(vfs.CrashCloneCfg{})
	w.stop(n)
	return left
}

func (w *world) stop(n *node) {
	w.t.Helper()
	w.mu.Lock()
	delete(w.nodes, n.id)
	w.mu.Unlock()
	if err := n.Close(); err != nil {
		w.t.Error(err)
	}
	if err := n.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// close ends everything.
func (w *world) close() {
	w.t.Helper()
	nodes := maps.Clone(w.nodes)
	for id := range nodes {
		w.net.detach(id)
	}
	for _, n := range nodes {
		w.stop(n)
	}
	w.net.close()
}

// settle waits until every in-sync set is its target and every primary the
// preferred one.
func (w *world) settle(limit time.Duration) {
	w.t.Helper()
	deadline := time.Now().Add(limit)
	for !w.council.latest().Settled() {
		if time.Now().After(deadline) {
			for p, row := range w.council.latest().Table {
				if !row.Settled() {
					w.t.Logf("partition %d: %+v", p, row)
				}
			}
			w.t.Fatalf("not settled after %v", limit)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// node returns a running node.
func (w *world) node(id partition.NodeID) *node {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes[id]
}

// pick returns one of the running nodes; nil if there is none.
func (w *world) pick(r *rand.Rand) *node {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := slices.Sorted(maps.Keys(w.nodes))
	if len(ids) == 0 {
		return nil
	}
	return w.nodes[ids[r.IntN(len(ids))]]
}

func (w *world) put(id partition.NodeID, key, value string) partition.Outcome {
	w.t.Helper()
	out, _, err := w.node(id).Write(context.Background(), partition.Op{
		Kind: partition.OpPut, Key: []byte(key), Value: []byte(value),
	})
	if err != nil {
		w.t.Fatalf("put %q through node %d: %v", key, id, err)
	}
	return out
}

func (w *world) del(id partition.NodeID, key string) partition.Outcome {
	w.t.Helper()
	out, _, err := w.node(id).Write(context.Background(), partition.Op{Kind: partition.OpDelete, Key: []byte(key)})
	if err != nil {
		w.t.Fatalf("delete %q through node %d: %v", key, id, err)
	}
	return out
}

// get returns a key's value, and whether it has one.
func (w *world) get(id partition.NodeID, key string) (string, bool) {
	w.t.Helper()
	res, err := w.node(id).Get(context.Background(), []byte(key))
	if err != nil {
		w.t.Fatalf("get %q through node %d: %v", key, id, err)
	}
	defer res.Close()
	return string(res.Record.Value), res.Found
}

func (w *world) expect(id partition.NodeID, key, want string) {
	w.t.Helper()
	if got, found := w.get(id, key); !found || got != want {
		w.t.Errorf("get %q through node %d: got %q (found %t), want %q", key, id, got, found, want)
	}
}

func (w *world) expectNone(id partition.NodeID, key string) {
	w.t.Helper()
	if got, found := w.get(id, key); found {
		w.t.Errorf("get %q through node %d: got %q, want none", key, id, got)
	}
}

type id = partition.NodeID

// spread returns targets in which each of the nodes leads as many partitions.
func spread(ids ...partition.NodeID) func(p int) []partition.NodeID {
	return func(p int) []partition.NodeID {
		i := p % len(ids)
		return append(append([]partition.NodeID{}, ids[i:]...), ids[:i]...)
	}
}

// dump returns what a node's copy of a partition has: key to stamp and value.
func (w *world) dump(id partition.NodeID, p partition.ID) map[string]string {
	w.t.Helper()
	copies, err := w.node(id).store.Copies(1)
	if err != nil {
		w.t.Fatal(err)
	}
	records := make(map[string]string)
	for _, c := range copies {
		if c.Partition != p {
			continue
		}
		if c.Position.Mark != nil {
			w.t.Errorf("node %d, partition %d: marked %+v", id, p, c.Position.Mark)
		}
		err := w.node(id).store.Keys(c.Slot, nil, func(key []byte, r partition.Record) bool {
			records[string(key)] = fmt.Sprint(r.Stamp, r.Tombstone, string(r.Value))
			return true
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return records
}

// equal waits until these nodes' stores have the same in every partition, and
// fails if they do not come to.
func (w *world) equal(ids ...partition.NodeID) {
	w.t.Helper()
	for p := range w.council.latest().Table {
		w.equalIn(partition.ID(p), ids...)
	}
}

// equalIn is equal for one partition.
func (w *world) equalIn(p partition.ID, ids ...partition.NodeID) {
	w.t.Helper()
	w.wait(5*time.Second, fmt.Sprintf("copies of partition %d on %v are the same", p, ids), func() bool {
		want := w.dump(ids[0], p)
		return !slices.ContainsFunc(ids[1:], func(id partition.NodeID) bool {
			return !maps.Equal(want, w.dump(id, p))
		})
	})
}

// wait polls until something holds.
func (w *world) wait(limit time.Duration, what string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

// newFS returns an empty disk.
func newFS() *vfs.MemFS { return vfs.NewCrashableMem() }
