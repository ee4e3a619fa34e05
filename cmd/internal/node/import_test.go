package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

const (
	formerCluster partition.ClusterID = 1
	otherCluster  partition.ClusterID = 2
)

// baggage is a store with an old generation: partitions 0 to 3, each with the
// entries whose keys fall into it.
func baggage(t *testing.T, origin partition.Origin, entries ...partition.Entry) *storage.Store {
	t.Helper()
	s, err := storage.Open(storage.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	moves := make(map[partition.ID]partition.Origin)
	for p := range partition.ID(4) {
		slot, err := s.Create(1, p)
		if err != nil {
			t.Fatal(err)
		}
		b := s.NewBatch()
		seq := partition.Seq(0)
		for _, e := range entries {
			if partition.Of(e.Key, 4) == p {
				seq++
				e.Label = partition.Label{Term: 1, Seq: seq}
				b.Append(slot, &e, seq)
			}
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		moves[p] = origin
	}
	if origin != (partition.Origin{}) {
		if err := s.MoveCopies(1, 2, moves, nil); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// What is written to a node that has yet to import something, and then joins others, is
// newer than what those wrote before, however long that import takes.
func TestAnUnfinishedImportIsFinishedBeforeTheNextJoinTakesItsStamp(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.startAll("a", "b")
		goOn := c.oweImport("b", entry("brought", 1, "v"))
		joined := make(chan error, 1)
		go func() { _, err := c.tryJoin("b", "a"); joined <- err }()
		time.Sleep(time.Second)
		c.put("a", "k", "older")
		time.Sleep(time.Second)
		c.put("b", "k", "newer")
		goOn()
		if err := <-joined; err != nil {
			t.Fatal(err)
		}
		c.expect("k", "newer", "a", "b")
		c.expect("brought", "v", "a", "b")
	})
}

// oweImport gives a node that stands alone an entry that it has yet to import into
// its own cluster, and holds that up until goOn.
func (c *cluster) oweImport(name string, e partition.Entry) (goOn func()) {
	c.t.Helper()
	n := c.node(name)
	intent := importIntent{From: n.stored().Latest + 1, Partitions: 1, Into: formerCluster}
	slot, err := n.store.Create(intent.From, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	e.Label = partition.Label{Term: 1, Seq: 1}
	b := n.store.NewBatch()
	b.Append(slot, &e, e.Label.Seq)
	if err := b.Commit(); err != nil {
		c.t.Fatal(err)
	}
	err = n.commit(func(s *state) { s.Latest, s.Import = intent.From, &intent })
	if err == nil {
		err = n.loadImport(n.stored())
	}
	if err != nil {
		c.t.Fatal(err)
	}
	im, held := n.imports.Load(), make(chan struct{})
	im.write = func(ctx context.Context, op partition.Op) (partition.Outcome, partition.Info, error) {
		select {
		case <-held:
			return n.writeCurrent(ctx, op)
		case <-ctx.Done():
			return partition.Outcome{}, partition.Info{}, partition.ErrUnavailable
		}
	}
	return func() { close(held) }
}

// entry is a put, or with no value a tombstone.
func entry(key string, stamp partition.Stamp, value string) partition.Entry {
	e := partition.Entry{LogRecord: partition.LogRecord{Kind: partition.EntryPut, Key: []byte(key), Stamp: stamp}, Value: []byte(value)}
	if value == "" {
		e.Kind, e.Value = partition.EntryTombstone, nil
	}
	return e
}

// sink takes what is imported.
type sink struct {
	mu   sync.Mutex
	ops  []string
	lose bool          // the cluster has a later record of everything
	hold chan struct{} // if set, writes wait until it is closed, but those of free
	free string
}

func (s *sink) write(ctx context.Context, op partition.Op) (partition.Outcome, partition.Info, error) {
	if s.hold != nil && string(op.Key) != s.free {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return partition.Outcome{}, partition.Info{}, partition.ErrUnavailable
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := map[partition.OpKind]string{partition.OpImport: "put", partition.OpImportDelete: "delete"}[op.Kind]
	s.ops = append(s.ops, fmt.Sprintf("%s %s=%s at %d", kind, op.Key, op.Value, op.Stamp))
	return partition.Outcome{Failed: s.lose, Stamp: 1000}, partition.Info{}, nil
}

func (s *sink) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.ops))
}

func newTestImporter(t *testing.T, store *storage.Store, from storage.Generation, into partition.ClusterID, s *sink) *importer {
	t.Helper()
	im, err := newImporter(t.Context(), store, importIntent{From: from, Partitions: 4, Stamp: 500, Into: into, Marked: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	im.write = s.write
	return im
}

func TestWhatIsImported(t *testing.T) {
	kept := partition.Origin{Cluster: formerCluster, Stamp: 100}
	entries := []partition.Entry{entry("kept", 90, "v"), entry("own", 110, "v"), entry("late", 900, "v"), entry("gone", 120, ""), entry("gone before", 80, "")}
	for _, tt := range []struct {
		name   string
		origin partition.Origin
		from   storage.Generation
		into   partition.ClusterID
		want   []string
	}{
		{"a standalone node brings its values, no later than S", partition.Origin{}, 1, otherCluster,
			[]string{"put kept=v at 90", "put late=v at 500", "put own=v at 110"}},
		{"into the cluster that it left a node brings what came after", kept, 2, formerCluster,
			[]string{"delete gone= at 120", "put late=v at 500", "put own=v at 110"}},
		{"into another cluster a leaver brings all its values", kept, 2, otherCluster,
			[]string{"put kept=v at 90", "put late=v at 500", "put own=v at 110"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := new(sink)
			im := newTestImporter(t, baggage(t, tt.origin, entries...), tt.from, tt.into, s)
			if err := im.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := s.got(); !slices.Equal(got, tt.want) {
				t.Errorf("imported:\ngot  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestKeysThatTheClusterWroteLaterAreCountedAsLost(t *testing.T) {
	im := newTestImporter(t, baggage(t, partition.Origin{}, entry("a", 1, "v"), entry("b", 2, "v")), 1, otherCluster, &sink{lose: true})
	if err := im.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := im.progress(), (progress{Lost: 2}); got != want {
		t.Errorf("progress: got %+v, want %+v", got, want)
	}
}

func TestARequestBringsItsKeyBeforeItsTurnAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var entries []partition.Entry
		for i := range 100 {
			entries = append(entries, entry(fmt.Sprint("key", i), 1, "v"))
		}
		s := &sink{hold: make(chan struct{}), free: "key99"}
		im := newTestImporter(t, baggage(t, partition.Origin{}, entries...), 1, otherCluster, s)
		done := make(chan error, 1)
		go func() { done <- im.run(t.Context()) }()
		synctest.Wait()
		for range 2 {
			if err := im.bring(t.Context(), []byte("key99")); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.got(); !slices.Equal(got, []string{"put key99=v at 1"}) {
			t.Errorf("imported before their turn: got %q", got)
		}
		if err := im.bring(t.Context(), []byte("not among them")); err != nil {
			t.Errorf("bring a key that is not to be imported: %v", err)
		}
		// One that cannot be brought now is brought all the same.
		ctx, cancel := timeout(1)
		defer cancel()
		errIs(t, im.bring(ctx, []byte("key50")), partition.ErrUnavailable)
		close(s.hold)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := im.progress().Imported; got != 100 || len(s.got()) != 100 {
			t.Errorf("imported: counted %d, written %d, want 100 each", got, len(s.got()))
		}
		if err := im.bring(t.Context(), []byte("key1")); err != nil || len(s.got()) != 100 {
			t.Errorf("bring after the end: error %v, %d written", err, len(s.got()))
		}
	})
}

func TestAnImportStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		im := newTestImporter(t, baggage(t, partition.Origin{}, entry("a", 1, "v")), 1, otherCluster, &sink{hold: make(chan struct{})})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- im.run(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("error: got %v, want context.Canceled", err)
		}
		if im.finished() {
			t.Error("counts as finished")
		}
	})
}
