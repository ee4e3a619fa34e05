package fsm

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

func TestTheLeaderLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 4, nil)
		c.settle()
		old := c.leader()
		id := old.cfg.Self
		if _, dropped := old.Dropped(c.ctx(time.Second)); dropped {
			t.Fatal("dropped beforehand")
		}
		if err := old.RemovePeer(c.ctx(10*time.Second), id); err != nil {
			t.Fatal(err)
		}
		c.within(10*time.Second, "another leader", func() bool { l := c.leader(); return l != nil && l != old })
		if _, dropped := old.Dropped(c.ctx(time.Second)); dropped {
			t.Fatal("dropped while it has copies")
		}
		c.settle()
		c.within(10*time.Second, "the leaver is out of Raft's configuration", func() bool {
			l := c.leader()
			s, err := old.Ask(c.ctx(time.Second), l.cfg.Self, id)
			return err == nil && s.Gone && !s.Peer && !s.Server && s.Cluster == 7
		})
		if _, dropped := old.Dropped(c.ctx(10 * time.Second)); !dropped {
			t.Fatal("the leaver does not learn that it is dropped")
		}
		c.stop(id)
		c.together()
		for _, r := range c.up {
			if r.Map().Holds(id) || len(r.Map().Peers) != 3 {
				t.Fatalf("%+v", r.Map().Peers)
			}
		}
		c.within(10*time.Second, "three voters", func() bool { return len(c.leader().Status().Voters) == 3 })
	})
}

func TestNodesLeaveUntilOneIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 4, nil)
		c.settle()
		for len(c.up) > 1 {
			c.within(10*time.Second, "a leader", func() bool { return c.leader() != nil })
			leaver := c.leader()
			id := leaver.cfg.Self
			if err := leaver.TransferLeadership(c.ctx(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if err := leaver.RemovePeer(c.ctx(10*time.Second), id); err != nil {
				t.Fatal(err)
			}
			c.settle()
			c.within(10*time.Second, "dropped", func() bool { _, dropped := leaver.Dropped(c.ctx(time.Second)); return dropped })
			c.within(10*time.Second, "no server any more", func() bool {
				l := c.leader()
				return l != nil && !l.standing(id).Server
			})
			c.stop(id)
		}
		last := c.leader()
		if err := last.RemovePeer(c.ctx(10*time.Second), last.cfg.Self); !errors.Is(err, ErrLastPeer) {
			t.Fatalf("the last one: %v", err)
		}
		if err := last.Departing(c.ctx(10*time.Second), 5); err != nil {
			t.Fatalf("the last one: %v", err)
		}
		for i, row := range last.Map().Table {
			if row.MinInSync != 1 || len(row.InSync) != 1 || len(row.Target) != 1 {
				t.Fatalf("partition %d: %+v", i, row)
			}
		}
	})
}

func TestOneWhoWasCutOffLearnsThatItWasDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 4, nil)
		c.settle()
		out := c.up[4]
		c.net.isolate(4, true)
		c.within(time.Minute, "node 4 is down", func() bool { p, _ := c.up[1].Map().Peer(4); return p.State == partition.Down })
		if err := c.up[1].RemovePeer(c.ctx(10*time.Second), 4); err != nil {
			t.Fatal(err)
		}
		for id, r := range c.up {
			if id == 4 {
				continue
			}
			var changes []partition.Change
			for i, row := range r.Map().Table {
				in := slices.DeleteFunc(slices.Clone(row.InSync), func(id partition.NodeID) bool { return id == 4 })
				if row.Primary == 4 && in[0] == id || row.Primary == id && len(in) < len(row.InSync) {
					changes = append(changes, partition.Change{Partition: partition.ID(i), Epoch: row.Epoch, Primary: id, InSync: in})
				}
			}
			if err := r.ChangeCopies(c.ctx(10*time.Second), changes); err != nil {
				t.Fatal(err)
			}
		}
		c.within(10*time.Second, "node 4 is dropped", func() bool { _, ok := c.up[1].Map().Peer(4); return !ok })
		c.within(10*time.Second, "node 4 is no server", func() bool { return !c.up[1].standing(4).Server })
		if _, dropped := out.Dropped(c.ctx(5 * time.Second)); dropped {
			t.Fatal("it knows although it is cut off")
		}
		c.net.isolate(4, false)
		if v, dropped := out.Dropped(c.ctx(10 * time.Second)); !dropped || v <= out.Map().Version {
			t.Fatalf("dropped %v at version %d, its own is %d", dropped, v, out.Map().Version)
		}
	})
}

func TestSilentPeersAreReplacedAndComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 5, func(cfg *Config) { cfg.ReplaceAfter = time.Minute })
		c.settle()
		watcher := c.up[1]
		state := func() partition.PeerState { p, _ := watcher.Map().Peer(5); return p.State }
		began := time.Now()
		c.net.isolate(5, true)
		c.within(30*time.Second, "down", func() bool { return state() == partition.Down })
		down := time.Since(began)
		if down < downAfter-time.Second || down > downAfter+time.Second {
			t.Errorf("down after %v", down)
		}
		c.within(2*time.Minute, "replaced", func() bool { return state() == partition.Replaced })
		if d := time.Since(began); d < time.Minute-time.Second || d > time.Minute+2*time.Second {
			t.Errorf("replaced after %v", d)
		}
		c.net.isolate(5, false)
		began = time.Now()
		c.within(30*time.Second, "back", func() bool { return state() == partition.Active })
		t.Logf("down after %v, back after %v", down, time.Since(began))
		c.together()
		c.settle()
	})
}

// A leader that was stopped for some time wakes up with the others silent for that
// long, and says so of the node that leads by now, before it steps down.
func TestALeaderThatIsSaidToBeDownSaysThatItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		leader := c.leader().cfg.Self
		other := c.up[leader%3+1]
		if err := other.propose(c.ctx(time.Second), &peerState{leader, 1, turnDown}); err != nil {
			t.Fatal(err)
		}
		var refused Refusal // the leader was faster
		if err := other.propose(c.ctx(time.Second), &peerState{leader, 1, turnReplaced}); err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		c.within(10*time.Second, "the leader is back", func() bool {
			p, _ := c.up[leader].Map().Peer(leader)
			return p.State == partition.Active
		})
	})
}

// TestAPeerIsBackAfterALeaderChange holds that the word of an earlier leader
// does not stick.
func TestAPeerIsBackAfterALeaderChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		id := partition.NodeID(3)
		if c.leader().cfg.Self == id {
			id = 2
		}
		if err := c.up[1].propose(c.ctx(time.Second), &peerState{id, 1, turnDown}); err != nil {
			t.Fatal(err)
		}
		if err := c.leader().TransferLeadership(c.ctx(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		c.within(5*time.Second, "active", func() bool { p, _ := c.up[1].Map().Peer(id); return p.State == partition.Active })
	})
}

func TestAPeerThatNeverCameUpIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, func(cfg *Config) { cfg.ReplaceAfter = time.Minute })
		if err := c.up[2].AddPeer(c.ctx(10*time.Second), Joiner{ID: 9, Name: "n9", Address: "host9:1", JoinID: 99}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Second)
		if p, ok := c.up[2].Map().Peer(9); !ok || p.State == partition.Leaving {
			t.Fatalf("too soon: %v %+v", ok, p)
		}
		c.within(30*time.Second, "removed", func() bool { _, ok := c.up[2].Map().Peer(9); return !ok })
		if err := c.up[2].AddPeer(c.ctx(10*time.Second), Joiner{ID: 9, Name: "n9", Address: "host9:1", JoinID: 99}); !errors.Is(err, ErrBarred) {
			t.Fatalf("added again: %v", err)
		}
	})
}

func TestVotersAreReplacedAsTheyDie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 7, nil)
		for range 4 { // one after the other, as long as a majority lives
			for _, id := range c.up[7].Status().Voters {
				if id != 7 && c.up[id] != nil {
					c.stop(id)
					break
				}
			}
			time.Sleep(20 * time.Second)
			if err := c.up[7].AbortJoin(c.ctx(20*time.Second), uint64(len(c.up))); err != nil {
				t.Fatalf("with %d nodes left, voters %v: %v", len(c.up), c.up[7].Status().Voters, err)
			}
		}
		t.Logf("left: %+v", c.up[7].Status())
	})
}

func TestRefusalsReachTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 2, nil)
		for _, r := range c.up {
			err := r.AddPeer(c.ctx(10*time.Second), Joiner{ID: 9, Name: "n1", Address: "elsewhere:1", JoinID: 99})
			if !errors.Is(err, ErrNameTaken) {
				t.Errorf("node %v: %v", r.cfg.Self, err)
			}
			var refused Refusal
			if !errors.As(err, &refused) || Refusal(uint8(refused)) != ErrNameTaken {
				t.Errorf("node %v: %v is no Refusal that crosses the wire", r.cfg.Self, err)
			}
			if err := r.Departing(c.ctx(10*time.Second), 5); !errors.Is(err, ErrNotAlone) {
				t.Errorf("node %v: %v", r.cfg.Self, err)
			}
		}
	})
}

func TestBadCallsAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 1, nil)
		r := c.up[1]
		before := r.Status().LastIndex
		foreign := encodeCommand(header{1, 1, 1 << 40}, &departing{5})
		whole := request{kind: askPropose, entry: foreign}.encode()
		for name, body := range map[string][]byte{
			"nothing":                       nil,
			"noise":                         []byte("\x01\x02\x03\x04\x05\x06\x07"),
			"half a request":                whole[:len(whole)/2],
			"no command":                    request{kind: askPropose, entry: []byte("x")}.encode(),
			"a proposal in another's name":  whole,
			"an unknown request":            newWriterWith(99).seal(),
			"a request with bytes too many": newWriterWith(byte(askWithdraw), 1, 1).seal(),
		} {
			b := r.HandleCall(t.Context(), 2, body)
			if _, err := decodeReply(b, askPropose); err == nil {
				t.Errorf("%s: answered as if it made sense", name)
			}
		}
		time.Sleep(time.Second)
		if after := r.Status().LastIndex; after != before {
			t.Errorf("the log grew from %d to %d", before, after)
		}
	})
}

func newWriterWith(b ...byte) *writer {
	w := newWriter(len(b))
	w.b = append(w.b, b...)
	return w
}

// deafen has a node that is not there answer Raft's heartbeats as one that is new
// and takes no entries.
func (c *cluster) deafen(id partition.NodeID) {
	transport := raft.NewNetworkTransport(c.net.listen(id), 1, time.Second, c.t.Output())
	done := make(chan struct{})
	var answering sync.WaitGroup
	answering.Go(func() {
		for {
			select {
			case call := <-transport.Consumer():
				if a, ok := call.Command.(*raft.AppendEntriesRequest); ok && len(a.Entries) == 0 {
					call.Respond(&raft.AppendEntriesResponse{Term: a.Term, Success: a.PrevLogEntry == 0}, nil)
				} else {
					call.Respond(nil, errCut)
				}
			case <-done:
				return
			}
		}
	})
	c.t.Cleanup(func() {
		close(done)
		answering.Wait()
		if err := transport.Close(); err != nil {
			c.t.Error(err)
		}
	})
}

// A joiner goes back to where it was as long as it has no entry of the log. It may
// not vote before: the others would need it.
func TestWhoHasNoEntryYetDoesNotVote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 1, nil)
		first := c.up[1]
		c.deafen(2)
		if err := first.AddPeer(c.ctx(time.Second), Joiner{ID: 2, Name: "n2", Address: "host2:1", JoinID: 1002}); err != nil {
			t.Fatal(err)
		}
		c.within(5*time.Second, "the joiner is heard", func() bool {
			at, _ := first.wire.contacts.last(serverID(2))
			return !at.IsZero()
		})
		time.Sleep(4 * dutyEvery)
		if err := first.AbortJoin(c.ctx(5*time.Second), 7); err != nil {
			t.Errorf("%v; voters %v", err, first.Status().Voters)
		}
	})
}

// A node that was restarted while the others ran leads soon after: a peer that it
// never heard is not just starting, too.
func TestALeaderThatCameBackKnowsWhoIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, onDisk(t))
		old := c.leader()
		next, silent := old.cfg.Self%3+1, (old.cfg.Self+1)%3+1
		c.stop(next)
		if err := c.start(next, nil).Up(c.ctx(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		c.net.isolate(silent, true)
		old.raft.LeadershipTransferToServer(serverID(next), serverAddress(next))
		c.within(2*time.Second, "the one that came back leads", func() bool { return c.leader() == c.up[next] })
		began := time.Now()
		c.within(startGrace, "down", func() bool { p, _ := old.Map().Peer(silent); return p.State == partition.Down })
		if took := time.Since(began); took > downAfter+time.Second {
			t.Errorf("down after %v of a new reign, want %v", took, downAfter)
		}
	})
}
