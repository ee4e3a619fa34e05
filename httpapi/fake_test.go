package httpapi_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

// fakeTable is a Table in a map. fail, if set, is what every call returns.
type fakeTable struct {
	mu      sync.Mutex
	records map[string]partition.Record
	stamp   partition.Stamp
	fail    error
	held    atomic.Int64 // Results that were not closed yet
	block   chan struct{}
	entered chan struct{} // gets one for each call, if not nil
}

func newFakeTable() *fakeTable {
	return &fakeTable{records: make(map[string]partition.Record), stamp: 1000}
}

func fakeInfo(key []byte) partition.Info {
	return partition.Info{Partition: partition.Of(key, fakePartitions), ServedBy: "peer2", Version: 7}
}

// wait stands where a call may be held up.
func (f *fakeTable) wait(ctx context.Context) error {
	if f.entered != nil {
		f.entered <- struct{}{}
	}
	if f.block == nil {
		return nil
	}
	select {
	case <-f.block:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

type fakeSource struct{ held *atomic.Int64 }

func (s fakeSource) Close() error {
	s.held.Add(-1)
	return nil
}

func (f *fakeTable) Get(ctx context.Context, key []byte) (partition.Result, error) {
	if err := f.wait(ctx); err != nil {
		return partition.Result{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held.Add(1)
	result := partition.Result{Info: fakeInfo(key), Source: fakeSource{&f.held}}
	if f.fail != nil {
		return result, f.fail
	}
	result.Record, result.Found = f.records[string(key)]
	return result, nil
}

func (f *fakeTable) Write(ctx context.Context, op partition.Op) (partition.Outcome, partition.Info, error) {
	if err := f.wait(ctx); err != nil {
		return partition.Outcome{}, partition.Info{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	info := fakeInfo(op.Key)
	if f.fail != nil {
		return partition.Outcome{}, info, f.fail
	}
	record, found := f.records[string(op.Key)]
	if !op.Condition.Holds(found, record.Stamp) {
		return partition.Outcome{Failed: true, Existed: found, Stamp: record.Stamp}, info, nil
	}
	if op.Kind == partition.OpDelete {
		delete(f.records, string(op.Key))
		return partition.Outcome{Existed: found}, info, nil
	}
	f.stamp++
	f.records[string(op.Key)] = partition.Record{Stamp: f.stamp, Value: op.Value}
	return partition.Outcome{Existed: found, Stamp: f.stamp}, info, nil
}

func (f *fakeTable) Keys(_ context.Context, visit func(key []byte) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(f.records)) {
		if !visit([]byte(key)) {
			return nil
		}
	}
	return f.fail
}

func (f *fakeTable) set(key, value string, stamp partition.Stamp) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records[key] = partition.Record{Stamp: stamp, Value: []byte(value)}
}

func (f *fakeTable) get(key string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.records[key]
	return string(r.Value), ok
}

const fakePartitions = 4

// fakeCluster is a Cluster of three peers.
type fakeCluster struct {
	ring     *partition.Map
	contacts []httpapi.Contact // of the last Join
	report   httpapi.JoinReport
	left     int // Leaves so far
	forgot   []string
	forget   httpapi.ForgetReport
	fail     error
}

func newFakeCluster() *fakeCluster {
	m := &partition.Map{Version: 7, Cluster: 0xc1, Settings: partition.Settings{Partitions: fakePartitions, Replicas: 2, Hash: "xxhash64"}}
	for i, name := range []string{"peer1", "peer2", "peer3"} {
		m.Peers = append(m.Peers, partition.Peer{ID: partition.NodeID(i + 1), Name: name, Address: name + ":9876", Incarnation: 1})
	}
	for range fakePartitions {
		m.Table = append(m.Table, partition.Row{Epoch: 3, Term: 2, Primary: 2, InSync: []partition.NodeID{1, 2}, Target: []partition.NodeID{2, 1}, MinInSync: 1})
	}
	return &fakeCluster{ring: m}
}

var errNotReady = errors.New("the copies are not in sync yet")

func (f *fakeCluster) Peers() []string { return []string{"peer3", "peer1", "peer2"} }

func (f *fakeCluster) Join(_ context.Context, contacts []httpapi.Contact) (httpapi.JoinReport, error) {
	f.contacts = contacts
	return f.report, f.fail
}

func (f *fakeCluster) Leave(context.Context) error {
	if f.fail == nil {
		f.left++
	}
	return f.fail
}

func (f *fakeCluster) Forget(_ context.Context, name string, loseData bool) (httpapi.ForgetReport, error) {
	if loseData {
		name += " and its data"
	}
	f.forgot = append(f.forgot, name)
	return f.forget, f.fail
}

func (f *fakeCluster) Raft() any            { return map[string]any{"state": "leader", "term": 4} }
func (f *fakeCluster) Status() any          { return map[string]any{"name": "peer3"} }
func (f *fakeCluster) Ring() *partition.Map { return f.ring }
func (f *fakeCluster) Serving() error       { return f.fail }
func (f *fakeCluster) Ready() error         { return f.fail }
