package fsm

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
)

// TestAFounderIsReadyAtOnce measures in real time, in memory and on disk.
func TestAFounderIsReadyAtOnce(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		c := newCluster(t)
		began := time.Now()
		r := c.start(1, func(cfg *Config) { founder(cfg); cfg.Dir = dir })
		if err := r.Up(c.ctx(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		t.Logf("on disk %v: a map after %v", dir != "", time.Since(began))
		m := r.Map()
		if m.Cluster != 7 || m.Version != 1 || m.Settings != testSettings || len(m.Table) != 64 || m.Peers[0].Name != "n1" {
			t.Fatalf("founded %+v", m)
		}
		if leader, ok := r.Leader(); !ok || leader != 1 {
			t.Fatalf("leader %v, %v", leader, ok)
		}
	}
}

// TestAFounderWaitsForNoTimeout holds that no time-out runs before a founder, or
// a lone node that starts again, has its map.
func TestAFounderWaitsForNoTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		dir := t.TempDir()
		for start := range 3 {
			began := time.Now()
			r := c.start(1, func(cfg *Config) { founder(cfg); cfg.Dir = dir })
			if err := r.Up(c.ctx(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(began); d > 10*time.Millisecond {
				t.Fatalf("start %d took %v", start, d)
			}
			if m := r.Map(); m.Version != partition.Version(1+start) || m.Peers[0].Incarnation != partition.Incarnation(1+start) {
				t.Fatalf("start %d: version %d, %+v", start, m.Version, m.Peers)
			}
			c.stop(1)
		}
	})
}

func TestOpenRefusesADirectoryThatIsNotItsOwn(t *testing.T) {
	dir := t.TempDir()
	c := newCluster(t)
	c.start(1, func(cfg *Config) { founder(cfg); cfg.Dir = dir })
	open := func(change func(*Config)) error {
		cfg := c.cfgs[1]
		cfg.Streams = newTestNet().listen(1)
		change(&cfg)
		r, err := Open(cfg)
		if err == nil {
			r.Close()
		}
		return err
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(func(*Config) {}); !errors.Is(err, ErrLocked) {
		t.Errorf("while it is open: %v", err)
	}
	c.stop(1)
	if err := open(func(cfg *Config) { cfg.Self = 2 }); !errors.Is(err, ErrForeign) {
		t.Errorf("under another id: %v", err)
	}
	if err := open(func(cfg *Config) { cfg.Cluster = 8 }); !errors.Is(err, ErrForeign) {
		t.Errorf("for another cluster: %v", err)
	}
	if err := open(func(cfg *Config) { cfg.Dir = file }); err == nil {
		t.Error("a file was taken for a directory")
	}
	if err := open(func(*Config) {}); err != nil {
		t.Errorf("its own: %v", err)
	}
}

func TestAnUnfinishedDirectoryIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, dbName+".new"), bytes.Repeat([]byte("half"), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCluster(t)
	r := c.start(1, func(cfg *Config) { founder(cfg); cfg.Dir = dir })
	if err := r.Up(c.ctx(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
}

func TestOpenNamesEveryFaultOfItsConfiguration(t *testing.T) {
	_, err := Open(Config{Founder: &partition.Settings{Partitions: -1, Replicas: 9}})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"cluster id", "node id", "incarnation", "stream", "caller", "name", "-1 partitions", "9 replicas", "hash"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %q in: %v", want, err)
		}
	}
}

func TestAWriteThatFailsIsFatal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		fatal := make(chan error, 1)
		r := c.start(1, func(cfg *Config) {
			founder(cfg)
			cfg.Dir = t.TempDir()
			cfg.Fatal = func(err error) { fatal <- err }
		})
		if err := r.Up(c.ctx(time.Second)); err != nil {
			t.Fatal(err)
		}
		// Whatever closes the file under Raft stands for a disk that fails.
		if err := r.stores.close(); err != nil {
			t.Fatal(err)
		}
		if err := r.Departing(c.ctx(heartbeatTimeout/2), 5); !errors.Is(err, partition.ErrUnknown) {
			t.Errorf("the proposal: %v", err)
		}
		select {
		case err := <-fatal:
			t.Logf("told: %v", err)
		default:
			t.Fatal("nobody was told")
		}
	})
}

func TestAnEntryThatCannotBeReadIsFatal(t *testing.T) {
	var told []error
	m := newMachine(1, 1, func(err error) { told = append(told, err) })
	entries := [][]byte{
		encodeCommand(header{1, 1, 0}, &found{cluster: 9, settings: testSettings, name: "a", address: "b"}),
		encodeCommand(header{1, 1, 1}, &departing{5})[:9],
		encodeCommand(header{1, 1, 2}, &departing{6}),
	}
	for i, e := range entries {
		m.Apply(logEntry(uint64(i+1), e))
	}
	if len(told) != 1 || m.state.Load().Map.Version != 1 {
		t.Fatalf("told %v, at version %d", told, m.state.Load().Map.Version)
	}
	if _, err := m.Snapshot(); err == nil {
		t.Fatal("a broken node gave a snapshot")
	}
}

func TestAnOutcomeIsLearntFromASnapshot(t *testing.T) {
	l := born(t, 4)
	l.join(2)
	if got := l.by(2, &departing{5}); got != ErrNotAlone {
		t.Fatal(got)
	}
	m := newMachine(2, 1, func(err error) { t.Error(err) })
	if _, known := m.outcome(1); known {
		t.Fatal("known beforehand")
	}
	if err := m.Restore(readCloser(encodeState(l.State))); err != nil {
		t.Fatal(err)
	}
	if got, known := m.outcome(1); !known || got != ErrNotAlone {
		t.Fatalf("got %v, %v", got, known)
	}
	if _, known := m.outcome(2); known {
		t.Fatal("the outcome of the next one is known")
	}
	other := newMachine(2, 2, func(err error) { t.Error(err) })
	if err := other.Restore(readCloser(encodeState(l.State))); err != nil {
		t.Fatal(err)
	}
	if _, known := other.outcome(1); known {
		t.Fatal("another incarnation's outcome was taken")
	}
}

func TestStatusIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		r := c.start(1, founder)
		if err := r.Up(c.ctx(time.Second)); err != nil {
			t.Fatal(err)
		}
		r2 := c.join(r, 2)
		c.within(5*time.Second, "two voters", func() bool { return len(r2.Status().Voters) == 2 })
		time.Sleep(2 * time.Second)
		s := r2.Status()
		if s.State != "follower" || s.Term == 0 || s.Leader == nil || *s.Leader != 1 || s.LastIndex == 0 ||
			s.CommitIndex != s.LastIndex || s.AppliedIndex != s.LastIndex || s.LastContact == nil || *s.LastContact > 500 {
			t.Fatalf("%+v", s)
		}
		slices.Sort(s.Voters)
		if !slices.Equal(s.Voters, ids{1, 2}) || len(s.Nonvoters) != 0 {
			t.Fatalf("%+v", s)
		}
	})
}
