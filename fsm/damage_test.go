package fsm

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

var theirs = identity{cluster: 7, node: 1}

func noPlant(logStore) error { return nil }

// store opens the Raft store in dir.
func store(dir string) (*stores, error) {
	return openStores(dir, theirs, noPlant, newRaftLogger(slog.New(slog.DiscardHandler)))
}

var someVoters = raft.Configuration{Servers: []raft.Server{{Suffrage: raft.Voter, ID: "a", Address: "b"}}}

// noPeers is the transport that Raft's store wants to name servers with.
type noPeers struct{ raft.Transport }

func (noPeers) EncodePeer(raft.ServerID, raft.ServerAddress) []byte { return nil }

// filled makes a Raft store with entries 1 to n, of which a snapshot holds half,
// and a vote.
func filled(t *testing.T, n uint64) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "raft")
	st, err := store(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(1); i <= n; i++ {
		if err := st.log.StoreLog(&raft.Log{Index: i, Term: 1 + i/50, Type: raft.LogCommand, Data: fmt.Appendf(nil, "command %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, upto := range []uint64{n / 4, n / 2} {
		sink, err := st.snaps.Create(1, upto, 1+upto/50, someVoters, 1, noPeers{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(sink, strings.Repeat("state", int(upto))); err != nil {
			t.Fatal(err)
		}
		if err := sink.Close(); err != nil {
			t.Fatal(err)
		}
	}
	err = errors.Join(
		st.log.DeleteRange(1, n/2-10),
		st.log.SetUint64([]byte("CurrentTerm"), 9), st.log.SetUint64([]byte("LastVoteTerm"), 9), st.log.Set([]byte("LastVoteCand"), []byte("somebody")),
		st.close(),
	)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// told is everything that Raft would be told by a store.
func told(st *stores) (string, error) {
	var out strings.Builder
	term, err := st.log.GetUint64([]byte("CurrentTerm"))
	if err != nil {
		return "", err
	}
	vote, err := st.log.Get([]byte("LastVoteCand"))
	if err != nil {
		return "", err
	}
	first, err := st.log.FirstIndex()
	if err != nil {
		return "", err
	}
	last, err := st.log.LastIndex()
	if err != nil {
		return "", err
	}
	fmt.Fprintln(&out, term, string(vote), first, last)
	for i := first; i <= last; i++ {
		var l raft.Log
		if err := st.log.GetLog(i, &l); err != nil {
			return "", err
		}
		fmt.Fprintln(&out, l.Index, l.Term, l.Type, string(l.Data))
	}
	return out.String(), nil
}

// reread opens a store and returns what it tells; it closes it again.
func reread(dir string) (text string, err error) {
	st, err := store(dir)
	if err != nil {
		return "", err
	}
	err = guardPanics(func() (err error) { text, err = told(st); return err })
	return text, errors.Join(err, st.close())
}

func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "raft")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestADamagedSnapshotIsAClearErrorWhereTheLogDoesNotReachBack(t *testing.T) {
	pristine := filled(t, 200)
	states, err := filepath.Glob(filepath.Join(pristine, "snapshots", "3-100-*", "state.bin"))
	if err != nil || len(states) != 1 {
		t.Fatalf("newest snapshot: %v, %v", states, err)
	}
	newest := filepath.Base(filepath.Dir(states[0]))
	for what, harm := range map[string]func(dir string) error{
		"a flipped bit": func(dir string) error {
			name := filepath.Join(dir, "snapshots", newest, "state.bin")
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			content[len(content)/2] ^= 1
			return os.WriteFile(name, content, 0o600)
		},
		"cut short": func(dir string) error {
			return os.Truncate(filepath.Join(dir, "snapshots", newest, "state.bin"), 10)
		},
		"gone":     func(dir string) error { return os.RemoveAll(filepath.Join(dir, "snapshots", newest)) },
		"all gone": func(dir string) error { return os.RemoveAll(filepath.Join(dir, "snapshots")) },
	} {
		dir := copyDir(t, pristine)
		if err := harm(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := reread(dir); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want %v", what, err, ErrDamaged)
		}
	}
}

// With another index a node would pass over entries, or apply some twice; with another
// configuration it would count other votes.
func TestAFlippedBitOfASnapshotsDescriptionIsNotGoneOnWith(t *testing.T) {
	dir := filled(t, 200)
	names, err := filepath.Glob(filepath.Join(dir, "snapshots", "3-100-*", "meta.json"))
	if err != nil || len(names) != 1 {
		t.Fatalf("newest snapshot: %v, %v", names, err)
	}
	content, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	st, err := store(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.close()
	described := func() string {
		list, err := st.snaps.List()
		if err != nil {
			return ""
		}
		meta, from, err := st.snaps.Open(list[0].ID)
		if err != nil {
			return ""
		}
		from.Close()
		return fmt.Sprint(meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex)
	}
	newest, older := described(), ""
	noticed := 0
	for bit := range 8 * len(content) {
		content[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(names[0], content, 0o600); err != nil {
			t.Fatal(err)
		}
		switch got := described(); {
		case got == newest: // what it hit is not in use
		case older == "" || got == older:
			older = got
			noticed++
		default:
			t.Errorf("bit %d: taken for the snapshot of %s; it is of %s, the older one of %s", bit, got, newest, older)
		}
		content[bit/8] ^= 1 << (bit % 8)
	}
	if want := "50 2 "; noticed == 0 || !strings.HasPrefix(older, want) {
		t.Errorf("%d flips noticed; then the snapshot is that of %q, want %q...", noticed, older, want)
	}
}

func TestARaftStoreThatIsCutShortIsNotGoneOnWith(t *testing.T) {
	pristine := filled(t, 200)
	want, err := reread(copyDir(t, pristine))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(pristine, dbName))
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{0, 100, 5000, info.Size() / 2, info.Size() - 4096} {
		dir := copyDir(t, pristine)
		if err := os.Truncate(filepath.Join(dir, dbName), size); err != nil {
			t.Fatal(err)
		}
		if got, err := reread(dir); err == nil && got != want {
			t.Errorf("cut to %d of %d bytes: opened with other content", size, info.Size())
		}
	}
}

func TestANodeWhoseStoreHasGoneBackIsNotOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 1, onDisk(t))
		c.restart(1)
		c.stop(1)
		cfg := c.config(1)
		cfg.Incarnation--
		cfg.Streams = c.net.listen(1)
		if _, err := Open(cfg); !errors.Is(err, ErrRegressed) {
			t.Errorf("an earlier incarnation: %v, want %v", err, ErrRegressed)
		}
	})
	dir := filled(t, 10)
	st, err := store(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.close()
	if err := begin(st.log, 5); err != nil {
		t.Fatal(err)
	}
	if err := begin(st.log, 5); err != nil {
		t.Errorf("the same process again: %v", err)
	}
	mine := process
	process = newProcess()
	defer func() { process = mine }()
	if err := begin(st.log, 5); !errors.Is(err, ErrRegressed) {
		t.Errorf("another process, the same incarnation: %v, want %v", err, ErrRegressed)
	}
	if err := begin(st.log, 6); err != nil {
		t.Errorf("the next incarnation: %v", err)
	}
}

// slow is a store whose writes hang until it is told.
type slow struct {
	logStore
	until chan struct{}
}

func (s slow) StoreLog(*raft.Log) error { <-s.until; return nil }

func TestAWriteOfRaftsThatHangsIsFatal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Pointer[error]
		s := slow{raft.NewInmemStore(), make(chan struct{})}
		g := newGuarded(s, func(err error) { told.Store(&err) })
		closing := make(chan struct{})
		go g.watchWrites(closing)
		go g.StoreLog(&raft.Log{})
		time.Sleep(9 * time.Second)
		if told.Load() != nil {
			t.Errorf("after 9 s: %v", *told.Load())
		}
		if err := g.SetUint64([]byte("k"), 1); err != nil { // another one does not hide it
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		if err := told.Load(); err == nil || !errors.Is(*err, errHangs) {
			t.Error("after 11 s nobody was told")
		}
		close(s.until)
		close(closing)
		synctest.Wait()
	})
}

func TestWhatRaftCannotReadEndsTheNodeAndNotTheProcess(t *testing.T) {
	var told atomic.Int32
	log := raft.NewInmemStore()
	g := newGuarded(broken{log}, func(error) { told.Add(1) })
	g.started.Store(true)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.GetLog(1, new(raft.Log))
		t.Error("Raft was told, and would have panicked")
	}()
	<-ended
	if told.Load() != 1 {
		t.Errorf("fatal was told %d times", told.Load())
	}
}

type broken struct{ logStore }

func (broken) GetLog(uint64, *raft.Log) error { return ErrDamaged }

// Raft compacts its log beside the loop that may have emptied it just now.
func TestALogThatIsEmptyCanBeCut(t *testing.T) {
	g := newGuarded(raft.NewInmemStore(), func(err error) { t.Error(err) })
	store := func(index uint64) {
		if err := g.StoreLog(logEntry(index, nil)); err != nil {
			t.Fatal(err)
		}
	}
	for i := uint64(1); i <= 10; i++ {
		store(i)
	}
	for _, cut := range [][2]uint64{{1, 10}, {0, 8}, {3, 20}} {
		if err := g.DeleteRange(cut[0], cut[1]); err != nil {
			t.Fatal(err)
		}
	}
	store(21)
	if first, last, err := extent(g); first != 21 || last != 21 || err != nil {
		t.Errorf("the log is %d to %d, %v; want 21", first, last, err)
	}
}
