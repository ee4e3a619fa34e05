package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
	"pipelinedht/partition/storage"
)

// reply is one scripted answer to a call.
type reply struct {
	body []byte
	err  error
	hang bool // until the call's context ends
}

// script answers calls in order, the last reply again and again, and notes them. So it
// does to those who ask for commits, with asks; none: partition 0 has no commit yet.
type script struct {
	mu      sync.Mutex
	replies []reply
	sent    []sent
	asks    []reply
	asked   []partition.NodeID
}

type sent struct {
	to   partition.NodeID
	lane replica.Lane
	op   partition.Op // of a write
	key  string       // of a read
}

func (s *script) MaxBody(replica.Lane) int { return 64 << 20 }

func (s *script) Send(partition.NodeID, replica.Lane, ...[]byte) bool { return false }

func (s *script) Call(ctx context.Context, to partition.NodeID, lane replica.Lane, body []byte) ([]byte, error) {
	s.mu.Lock()
	body = bytes.Clone(body)
	if body[0] == callCommits {
		s.asked = append(s.asked, to)
		r := commits(0)
		if len(s.asks) > 0 {
			r = s.asks[min(len(s.asked), len(s.asks))-1]
		}
		s.mu.Unlock()
		return r.play(ctx)
	}
	c := sent{to: to, lane: lane}
	if body[0] == callWrite {
		var err error
		if c.op, err = decodeWrite(body[1:]); err != nil {
			s.mu.Unlock()
			return nil, err
		}
	} else {
		c.key = string(body[1:])
	}
	s.sent = append(s.sent, c)
	r := s.replies[min(len(s.sent), len(s.replies))-1]
	s.mu.Unlock()
	return r.play(ctx)
}

func (r reply) play(ctx context.Context) ([]byte, error) {
	if r.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return r.body, r.err
}

// commits says how far partition 0 is.
func commits(seq partition.Seq) reply {
	m := &replica.Commits{Version: 1, Partitions: []replica.Committed{{Partition: 0, Seq: seq}}}
	return reply{body: replica.AppendMessage([]byte{replyDone}, m)}
}

// fixed is a map that a test changes by hand.
type fixed struct {
	mu      sync.Mutex
	m       *partition.Map
	changed chan struct{}
}

func (f *fixed) Map() *partition.Map {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.m
}

func (f *fixed) Watch() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (f *fixed) ChangeCopies(ctx context.Context, _ []partition.Change) error {
	<-ctx.Done()
	return ctx.Err()
}

func (f *fixed) set(m *partition.Map) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.m = m
	close(f.changed)
	f.changed = make(chan struct{})
}

// ledBy returns a map of one partition with that primary; 1 to 3 are peers.
func ledBy(version partition.Version, primary partition.NodeID) *partition.Map {
	m := &partition.Map{Version: version, Settings: partition.Settings{Partitions: 1, Replicas: 1}}
	for id := partition.NodeID(1); id <= 3; id++ {
		m.Peers = append(m.Peers, partition.Peer{ID: id, Name: fmt.Sprintf("peer%d", uint64(id)), Incarnation: 1, UpAt: 1})
	}
	only := []partition.NodeID{primary}
	m.Table = []partition.Row{{
		Epoch: partition.Epoch(version), Term: partition.Term(version), Primary: primary, InSync: only, Target: only, MinInSync: 1,
	}}
	return m
}

// openTest opens a host on a store in memory; close it.
func openTest(t *testing.T, net Net, cluster Cluster, edit func(*Config)) (h *Host, closeAll func()) {
	t.Helper()
	return openOn(t, vfs.NewMem(), net, cluster, edit)
}

// openOn opens a host on fs, with fsync; close it.
func openOn(t *testing.T, fs vfs.FS, net Net, cluster Cluster, edit func(*Config)) (h *Host, closeAll func()) {
	t.Helper()
	store, err := storage.Open(storage.Options{Dir: "data", FS: fs, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cfg := Config{
		Self: 1, Incarnation: 1, Generation: 1, Store: store, Net: net, Cluster: cluster, Timeout: 2 * time.Second,
		Fatal:  func(err error) { t.Error(err) },
		Clock:  func() time.Duration { return time.Since(began) },
		Logger: slog.New(slog.DiscardHandler),
	}
	if edit != nil {
		edit(&cfg)
	}
	if h, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	return h, func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil && !errors.Is(err, storage.ErrFailed) {
			t.Error(err)
		}
	}
}

var (
	lost        = reply{err: errors.New("connection lost")}
	notSent     = reply{err: fmt.Errorf("dial: %w", ErrNotSent)}
	notPrimary  = reply{body: appendError(nil, partition.ErrNotPrimary, 0)}
	unavailable = reply{body: appendError(nil, partition.ErrUnavailable, 0)}
	unknown     = reply{body: appendError(nil, partition.ErrUnknown, 0)}
	floorFault  = reply{body: appendError(nil, partition.ErrFloor, 300)}
	garbage     = reply{body: []byte{200}}
	hang        = reply{hang: true}
	done        = reply{body: appendOutcome(nil, &partition.Outcome{Stamp: 9, Commit: 400})}
)

func TestAWriteIsRepeatedOnlyAsFarAsItCannotHappenTwice(t *testing.T) {
	for _, c := range []struct {
		name     string
		replies  []reply
		want     error // nil: the outcome
		names    []int // of each sending: which id
		attempts []int
		floors   []partition.Seq
	}{
		{"at once", []reply{done}, nil, []int{1}, []int{1}, []partition.Seq{0}},
		{"not sent at first", []reply{notSent, done}, nil, []int{1, 1}, []int{1, 1}, []partition.Seq{0, 0}},
		{"at the wrong node at first", []reply{notPrimary, done}, nil, []int{1, 1}, []int{1, 1}, []partition.Seq{0, 0}},
		{"refused for the moment", []reply{unavailable, done}, nil, []int{1, 1}, []int{1, 1}, []partition.Seq{0, 0}},
		{"lost, then answered", []reply{lost, done}, nil, []int{1, 1}, []int{1, 2}, []partition.Seq{0, 0}},
		{"a reply that makes no sense, then answered", []reply{garbage, done}, nil, []int{1, 1}, []int{1, 2}, []partition.Seq{0, 0}},
		{"unknown to the primary, then answered", []reply{unknown, done}, nil, []int{1, 1}, []int{1, 2}, []partition.Seq{0, 0}},
		{"lost, refused, not sent, answered", []reply{lost, unavailable, notSent, done}, nil, []int{1, 1, 1, 1}, []int{1, 2, 3, 4}, []partition.Seq{0, 0, 0, 0}},
		{"too old a floor at first", []reply{floorFault, done}, nil, []int{1, 2}, []int{1, 1}, []partition.Seq{0, 300}},
		{"refused, then too old a floor", []reply{unavailable, floorFault, done}, nil, []int{1, 1, 2}, []int{1, 1, 1}, []partition.Seq{0, 0, 300}},
		{"lost, then too old a floor", []reply{lost, floorFault, done}, partition.ErrUnknown, []int{1, 1}, []int{1, 2}, []partition.Seq{0, 0}},
		{"too old a floor, lost, too old again", []reply{floorFault, lost, floorFault, done}, partition.ErrUnknown, []int{1, 2, 2}, []int{1, 1, 2}, []partition.Seq{0, 300, 300}},
		{"refused to the end", []reply{unavailable}, partition.ErrUnavailable, nil, nil, nil},
		{"not sent to the end", []reply{notSent}, partition.ErrUnavailable, nil, nil, nil},
		{"lost, then refused to the end", []reply{lost, unavailable}, partition.ErrUnknown, nil, nil, nil},
		{"no answer to the end", []reply{hang}, partition.ErrUnknown, nil, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := &script{replies: c.replies}
				h, closeAll := openTest(t, net, &fixed{m: ledBy(1, 2), changed: make(chan struct{})}, nil)
				defer closeAll()
				began := time.Now()
				out, info, err := h.Write(t.Context(), partition.Op{Kind: partition.OpPut, Key: []byte("k"), Value: []byte("v")})
				if c.want == nil && (err != nil || out.Stamp != 9 || info.ServedBy != "peer2" || info.Commit != 400) {
					t.Errorf("got %+v, %+v, %v; want the outcome", out, info, err)
				}
				if c.want != nil {
					wantOnly(t, err, c.want)
				}
				if took := time.Since(began); took > 2200*time.Millisecond {
					t.Errorf("took %v, with a timeout of 2s", took)
				}
				if c.names == nil {
					return
				}
				checkSendings(t, net.sent, c.names, c.attempts, c.floors)
			})
		})
	}
}

// wantOnly checks that err is want, and none of the errors that say otherwise.
func wantOnly(t *testing.T, err, want error) {
	t.Helper()
	for _, kind := range []error{partition.ErrUnavailable, partition.ErrNotPrimary, partition.ErrFloor, partition.ErrUnknown} {
		if errors.Is(err, kind) != (kind == want) {
			t.Errorf("got error %v, want only %v", err, want)
		}
	}
}

func checkSendings(t *testing.T, got []sent, names, attempts []int, floors []partition.Seq) {
	t.Helper()
	if len(got) != len(names) {
		t.Fatalf("sent %d times, want %d", len(got), len(names))
	}
	ids := make(map[partition.OpID]int)
	for i, s := range got {
		if ids[s.op.ID] == 0 {
			ids[s.op.ID] = len(ids) + 1
		}
		if ids[s.op.ID] != names[i] || s.op.Attempt != attempts[i] || s.op.Floor != floors[i] {
			t.Errorf("sending %d: id %d, attempt %d, floor %d; want %d, %d, %d",
				i, ids[s.op.ID], s.op.Attempt, s.op.Floor, names[i], attempts[i], floors[i])
		}
		if s.op.ID.Node != 1 || s.op.ID.Incarnation != 1 || s.op.ID.Counter == 0 || s.op.Term != 1 {
			t.Errorf("sending %d: %+v", i, s.op)
		}
	}
}

func TestEachWriteHasItsOwnNameAndTheHighestFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &script{replies: []reply{done}}
		h, closeAll := openTest(t, net, &fixed{m: ledBy(1, 2), changed: make(chan struct{})}, nil)
		defer closeAll()
		for range 2 {
			if _, _, err := h.Write(t.Context(), partition.Op{Kind: partition.OpPut, Key: []byte("k")}); err != nil {
				t.Fatal(err)
			}
		}
		checkSendings(t, net.sent, []int{1, 2}, []int{1, 1}, []partition.Seq{0, 400})
	})
}

func TestACallThatWaitsForAFormerPrimaryGoesOnAtTheNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &script{replies: []reply{hang, done}}
		cluster := &fixed{m: ledBy(1, 2), changed: make(chan struct{})}
		h, closeAll := openTest(t, net, cluster, nil)
		defer closeAll()
		time.AfterFunc(100*time.Millisecond, func() { cluster.set(ledBy(2, 3)) })
		began := time.Now()
		_, info, err := h.Write(t.Context(), partition.Op{Kind: partition.OpPut, Key: []byte("k")})
		if err != nil || info.ServedBy != "peer3" || info.Version != 2 {
			t.Errorf("got %+v, %v", info, err)
		}
		if took := time.Since(began); took > 600*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if len(net.sent) != 2 || net.sent[0].op.ID != net.sent[1].op.ID || net.sent[1].op.Attempt != 2 ||
			net.sent[1].to != 3 || net.sent[1].op.Term != 2 {
			t.Errorf("sent %+v", net.sent)
		}
	})
}

func TestACancelledWriteIsUnknownAndACancelledReadIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, closeAll := openTest(t, &script{replies: []reply{hang}}, &fixed{m: ledBy(1, 2), changed: make(chan struct{})}, nil)
		defer closeAll()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, _, err := h.Write(ctx, partition.Op{Kind: partition.OpPut, Key: []byte("k")})
		wantOnly(t, err, partition.ErrUnknown)
		_, err = h.Get(ctx, []byte("k"))
		wantOnly(t, err, partition.ErrUnavailable)
	})
}

func TestAReadIsRepeatedUntilItIsAnswered(t *testing.T) {
	found := reply{body: appendRead(nil, true, &partition.Record{Stamp: 5, Value: []byte("v")})}
	for _, c := range []struct {
		name    string
		replies []reply
		lanes   []replica.Lane
	}{
		{"at once", []reply{found}, []replica.Lane{replica.Small}},
		{"after faults of all kinds", []reply{lost, notSent, unavailable, garbage, found}, []replica.Lane{0: 1, 1, 1, 1, 1}},
		{"too large for the lane", []reply{{body: []byte{replyBulk}}, found}, []replica.Lane{replica.Small, replica.Bulk}},
		{"too large for the connection", []reply{{err: ErrTooLarge}, found}, []replica.Lane{replica.Small, replica.Bulk}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := &script{replies: c.replies}
				h, closeAll := openTest(t, net, &fixed{m: ledBy(1, 2), changed: make(chan struct{})}, nil)
				defer closeAll()
				res, err := h.Get(t.Context(), []byte("k"))
				if err != nil || !res.Found || string(res.Record.Value) != "v" || res.ServedBy != "peer2" || res.Version != 1 {
					t.Errorf("got %+v, %v", res, err)
				}
				for i, s := range net.sent {
					if i >= len(c.lanes) || s.lane != c.lanes[i] || s.key != "k" {
						t.Errorf("sent %+v, want lanes %v", net.sent, c.lanes)
						break
					}
				}
			})
		})
	}
}

func TestALargeValueTravelsOnTheBulkLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &script{replies: []reply{done}}
		h, closeAll := openTest(t, net, &fixed{m: ledBy(1, 2), changed: make(chan struct{})}, nil)
		defer closeAll()
		for _, size := range []int{smallBytes - 1, smallBytes} {
			op := partition.Op{Kind: partition.OpPut, Key: []byte("k"), Value: make([]byte, size)}
			if _, _, err := h.Write(t.Context(), op); err != nil {
				t.Fatal(err)
			}
		}
		if net.sent[0].lane != replica.Small || net.sent[1].lane != replica.Bulk {
			t.Errorf("lanes %v, %v", net.sent[0].lane, net.sent[1].lane)
		}
	})
}

func TestNothingIsDoneBeforeTheMapShowsTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &script{replies: []reply{done}}
		before := ledBy(1, 2)
		before.Peers[0].Incarnation = 0 // of an earlier start
		cluster := &fixed{m: before, changed: make(chan struct{})}
		h, closeAll := openTest(t, net, cluster, nil)
		defer closeAll()
		_, _, err := h.Write(t.Context(), partition.Op{Kind: partition.OpPut, Key: []byte("k")})
		wantOnly(t, err, partition.ErrUnavailable)
		if len(net.sent) > 0 {
			t.Errorf("sent %+v", net.sent)
		}
		time.AfterFunc(time.Second, func() { cluster.set(ledBy(2, 2)) })
		if _, _, err := h.Write(t.Context(), partition.Op{Kind: partition.OpPut, Key: []byte("k")}); err != nil {
			t.Errorf("once up: %v", err)
		}
	})
}

// poll waits until something holds.
func poll(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10s", what)
		}
	}
}
