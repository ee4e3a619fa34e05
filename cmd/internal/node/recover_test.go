package node

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pipelinedht/fsm"
	"pipelinedht/partition"
)

// recoverDir carries out a recovery of a data directory.
func recoverDir(t *testing.T, dir string) *Recovery {
	t.Helper()
	r, err := OpenRecovery(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("recover %s: %v", dir, err)
	}
	if err := r.CarryOut(); err != nil {
		t.Fatalf("recover %s: %v", dir, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

func expectNothingLost(t *testing.T, dir string) {
	t.Helper()
	r, err := OpenRecovery(dir, slog.New(slog.DiscardHandler))
	errIs(t, err, ErrNothingLost)
	if err == nil {
		r.Close()
	}
}

func TestARecoveredNodeKeepsOnlyWhatItCanVouchFor(t *testing.T) {
	names := numbered("n", 3)
	dirs := make(map[string]string)
	for _, name := range names {
		dirs[name] = t.TempDir()
	}
	inBubble(t, func(c *cluster) {
		for _, name := range names {
			c.start(name, func(cfg *Config) { cfg.DataDir, cfg.Replicas = dirs[name], 2 })
		}
		c.join("n2", "n1")
		c.join("n3", "n1")
		all := numbered("k", 90)
		for _, k := range all {
			c.put("n1", k, "v")
		}
		c.awaitOneMap(names)
		m, self := c.nodes["n3"].Ring(), c.nodes["n3"].life().record.Node
		for _, name := range names {
			c.stop(name)
		}
		r := recoverDir(t, dirs["n3"])
		expectNothingLost(t, dirs["n3"])
		if r.Version < m.Version || len(r.Peers) != 3 || r.Name != "n3" || r.Cluster != m.Cluster {
			t.Errorf("recovery: %+v, want what n3 knew at version %d", r, m.Version)
		}
		c.start("n3", func(cfg *Config) { cfg.DataDir = dirs["n3"] })
		expectedMissing := 0
		for i, row := range m.Table {
			missing := slices.Contains(r.Missing, partition.ID(i))
			// Who stopped first left the in-sync sets, as far as these allowed it.
			if !missing && !slices.Contains(row.InSync, self) {
				t.Errorf("partition %d is kept: %+v", i, row)
			}
			if missing {
				expectedMissing++
			}
		}
		if expectedMissing == 0 || expectedMissing == len(m.Table) {
			t.Errorf("%d of %d partitions are missing", expectedMissing, len(m.Table))
		}
		for _, k := range all {
			want := "v"
			if slices.Contains(r.Missing, partition.Of([]byte(k), len(m.Table))) {
				want = "-"
			}
			c.expect(k, want, "n3")
		}
	})
}

// beginJoin has a node that stands alone be about to join a cluster, of which nobody
// is there.
func beginJoin(t *testing.T, n *Node) {
	t.Helper()
	ctx, cancel := timeout(time.Minute)
	defer cancel()
	const joinID = 7
	if err := n.life().raft.Load().Departing(ctx, joinID); err != nil {
		t.Fatal(err)
	}
	err := n.commit(func(s *state) {
		s.Latest++
		life := newFounder(s.Latest, s.Life.Settings, founder{})
		life.Founder = nil
		s.Join = &joinIntent{ID: joinID, Life: life, Name: "a", Address: "a:1", Stamp: 1, Contacts: []string{"b:1"}}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestANodeThatWasToJoinALostClusterIsRecoveredWithAllItHad(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, func(c *cluster) {
		disk := func(cfg *Config) { cfg.DataDir = dir }
		n := c.start("a", disk)
		c.put("a", "k", "v")
		beginJoin(t, n)
		c.stop("a")
		if r := recoverDir(t, dir); !r.Joining {
			t.Errorf("recovery: %+v, want the end of a join", r)
		}
		expectNothingLost(t, dir)
		c.start("a", disk)
		c.expect("k", "v", "a")
		c.start("c")
		c.join("c", "a")
		c.expect("k", "v", "a", "c")
	})
}

// What a node has said under its new id binds it, though its Raft directory cannot
// be opened: then it neither joins nor stands alone.
func TestAJoinThatCannotGoOnIsNotGivenUpByItself(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, func(c *cluster) {
		disk := func(cfg *Config) { cfg.DataDir = dir }
		n := c.start("a", disk)
		c.put("a", "k", "v")
		beginJoin(t, n)
		db := filepath.Join(n.raftDir(n.stored().Join.Life.Generation), "raft.db")
		c.stop("a")
		if err := os.MkdirAll(filepath.Dir(db), 0o700); err != nil {
			t.Fatal(err)
		}
		damaged := make([]byte, 1<<16)
		if err := os.WriteFile(db, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		n = c.open("a", disk)
		c.eventually(time.Minute, "the end of the node, or of its join", func() error {
			select {
			case <-n.Done():
				return nil
			default:
				return n.Ready()
			}
		})
		select {
		case <-n.Done():
			errIs(t, n.Wait(), fsm.ErrDamaged)
		default:
			t.Error("the node goes on")
		}
		if n.stored().Join == nil {
			t.Error("the join was given up")
		}
		c.crash("a")
		if left, err := os.ReadFile(db); err != nil || !bytes.Equal(left, damaged) {
			t.Errorf("the Raft directory: %d bytes, %v", len(left), err)
		}
		recoverDir(t, dir)
		c.start("a", disk)
		c.expect("k", "v", "a")
	})
}

func TestThereIsNothingToRecoverOfANodeThatStandsAloneOrIsNew(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenRecovery(dir, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("an empty directory was taken")
	}
	inBubble(t, func(c *cluster) {
		c.start("a", func(cfg *Config) { cfg.DataDir = dir })
		c.stop("a")
	})
	expectNothingLost(t, dir)
}
