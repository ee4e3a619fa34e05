package fsm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

// onDisk gives every node a directory of its own.
func onDisk(t *testing.T) func(*Config) {
	dir := t.TempDir()
	return func(cfg *Config) { cfg.Dir = filepath.Join(dir, cfg.Self.String(), "raft") }
}

// restart stops all nodes and starts them again.
func (c *cluster) restart(n int) {
	c.t.Helper()
	for id := partition.NodeID(1); id <= partition.NodeID(n); id++ {
		c.stop(id)
	}
	for id := partition.NodeID(1); id <= partition.NodeID(n); id++ {
		c.start(id, func(cfg *Config) { cfg.Address = fmt.Sprintf("host%d:%d", id, cfg.Incarnation) })
	}
	for id := partition.NodeID(1); id <= partition.NodeID(n); id++ {
		if err := c.up[id].Up(c.ctx(30 * time.Second)); err != nil {
			c.t.Fatalf("node %v up again: %v", id, err)
		}
	}
}

func TestACrashOfAllLosesNothing(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		t.Run(fmt.Sprintf("snapshot %v", snapshot), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := grown(t, 3, onDisk(t))
				c.settle()
				c.together()
				if snapshot {
					for _, r := range c.up {
						if err := r.raft.Snapshot().Error(); err != nil {
							t.Fatal(err)
						}
					}
				}
				before := c.up[2].Map()
				c.restart(3)
				c.together()
				after := c.up[2].Map()
				if after.Version < before.Version+3 || len(after.Peers) != 3 {
					t.Fatalf("version %d after %d, %+v", after.Version, before.Version, after.Peers)
				}
				for _, p := range after.Peers {
					if p.Incarnation != 2 || p.Address != fmt.Sprintf("host%d:2", p.ID) || p.State != partition.Active {
						t.Errorf("%+v", p)
					}
				}
				for i, row := range after.Table {
					was := before.Table[i]
					up, _ := after.Peer(row.Primary)
					if row.Primary != was.Primary || fmt.Sprint(row.InSync) != fmt.Sprint(was.InSync) || partition.Version(row.Term) != up.UpAt {
						t.Fatalf("partition %d: %+v was %+v", i, row, was)
					}
				}
				c.restart(3)
				c.together()
			})
		})
	}
}

// TestANodeThatWasAwayForLongIsUpSoon holds that no back-off of the leader's
// keeps a node waiting that starts after a while.
func TestANodeThatWasAwayForLongIsUpSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, onDisk(t))
		for i, away := range []time.Duration{time.Second, 20 * time.Second, 2 * time.Minute, 10 * time.Minute} {
			c.stop(3)
			time.Sleep(away)
			began := time.Now()
			r := c.start(3, nil)
			if err := r.Up(c.ctx(time.Minute)); err != nil {
				t.Fatal(err)
			}
			d := time.Since(began)
			t.Logf("away for %v: up after %v", away, d)
			if d > 2*time.Second {
				t.Errorf("away for %v: up after %v", away, d)
			}
			if p, _ := r.Map().Peer(3); p.Incarnation != partition.Incarnation(i+2) {
				t.Errorf("%+v", p)
			}
		}
	})
}

func TestUpRefusesWhoHasBeenStartedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 1, onDisk(t))
		c.restart(1)
		c.stop(1)
		cfg := c.cfgs[1]
		// Its own directory does not know of the later start.
		db, err := openDB(filepath.Join(cfg.Dir, dbName))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Set(keyStart, make([]byte, 16)), db.Close()); err != nil {
			t.Fatal(err)
		}
		cfg.Incarnation = 0 // start makes it 1, which was long ago
		c.cfgs[1] = cfg
		if err := c.start(1, nil).Up(c.ctx(10 * time.Second)); !errors.Is(err, ErrStale) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestOneWhoLagsFarBehindGetsASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		c.net.isolate(3, true)
		busy := c.up[1]
		for i := range 2*keptEntries + snapshotEvery {
			if err := busy.AbortJoin(c.ctx(30*time.Second), uint64(i+10_000)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * snapshotCheck) // all that led have taken theirs
		if list, err := c.leader().stores.snaps.List(); err != nil || len(list) == 0 {
			t.Fatalf("no snapshot was taken: %v", err)
		}
		c.net.isolate(3, false)
		c.within(10*time.Second, "node 3 has it all", func() bool {
			return len(c.up[3].machine.state.Load().barred) == 2*keptEntries+snapshotEvery
		})
		if list, err := c.up[3].stores.snaps.List(); err != nil || len(list) == 0 {
			t.Fatalf("node 3 had it all from the log, not from a snapshot: %v", err)
		}
		if err := c.up[3].ImportDone(c.ctx(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		c.together()
	})
}

// The log of a node that was given a snapshot has a new beginning: what it had before
// has a gap behind it, and need not be what was committed.
func TestOneWhoWasGivenASnapshotStartsAgain(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprintf("crash before the old log was deleted %v", crash), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := grown(t, 3, onDisk(t))
				c.stop(3)
				dir := filepath.Join(c.cfgs[3].Dir, dbName)
				before, err := os.ReadFile(dir)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 20 {
					if err := c.up[1].AbortJoin(c.ctx(30*time.Second), uint64(i+10_000)); err != nil {
						t.Fatal(err)
					}
				}
				for _, r := range c.up {
					short := r.raft.ReloadableConfig()
					short.TrailingLogs = 1
					if err := errors.Join(r.raft.ReloadConfig(short), r.raft.Snapshot().Error()); err != nil {
						t.Fatal(err)
					}
				}
				upAgain := func() {
					if err := c.start(3, nil).Up(c.ctx(30 * time.Second)); err != nil {
						t.Fatal(err)
					}
					c.together()
				}
				beginsAnew := func() {
					list, err := c.up[3].stores.snaps.List()
					if err != nil || len(list) == 0 {
						t.Fatalf("node 3 was given no snapshot: %v", err)
					}
					first, last, err := extent(c.up[3].stores.log)
					if err != nil || first <= list[0].Index || last < first {
						t.Errorf("its log is %d to %d (%v), the snapshot ends at %d", first, last, err, list[0].Index)
					}
				}
				upAgain()
				beginsAnew()
				c.stop(3)
				if crash {
					if err := os.WriteFile(dir, before, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				upAgain()
				beginsAnew()
				c.stop(3)
				upAgain()
			})
		})
	}
}

// A crash in the middle of writing down a vote leaves one for nobody: whoever had the
// node's vote before must not get it without a look at its log.
func TestAVoteThatWasCutShortIsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, onDisk(t))
		c.net.isolate(3, true)
		voter := c.up[3]
		term := voter.raft.CurrentTerm() + 5
		if err := errors.Join(
			voter.stores.log.SetUint64(keyVoteTerm, term-1), voter.stores.log.Set(keyVotedFor, []byte(serverAddress(2))),
			voter.stores.log.SetUint64(keyTerm, term), voter.stores.log.SetUint64(keyVoteTerm, term),
		); err != nil {
			t.Fatal(err)
		}
		c.stop(3)
		c.start(3, nil)
		c.net.isolate(3, false)
		ask := raft.RequestVoteRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(serverID(2)), Addr: []byte(serverAddress(2))},
			Term:      term, LastLogIndex: 1, LastLogTerm: 1, LeadershipTransfer: true,
		}
		var answer raft.RequestVoteResponse
		if err := c.up[2].wire.RequestVote(serverID(3), serverAddress(3), &ask, &answer); err != nil {
			t.Fatal(err)
		}
		if answer.Granted {
			t.Error("it voted for a node whose log ends before its own")
		}
	})
	dir := filepath.Join(t.TempDir(), "raft") // the first vote
	st, err := store(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(st.log.SetUint64(keyTerm, 1), st.log.StoreLog(logEntry(1, nil)), st.log.Set(keyVotedFor, nil), st.close())
	if err != nil {
		t.Fatal(err)
	}
	if st, err = store(dir); err != nil {
		t.Fatal(err)
	}
	st.close()
}
