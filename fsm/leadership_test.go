package fsm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

// grown starts a cluster of n nodes, the first its founder, and waits until its
// voters are chosen.
func grown(t *testing.T, n int, change func(*Config)) *cluster {
	t.Helper()
	c := newCluster(t)
	first := c.start(1, func(cfg *Config) {
		founder(cfg)
		if change != nil {
			change(cfg)
		}
	})
	if err := first.Up(c.ctx(time.Second)); err != nil {
		t.Fatal(err)
	}
	for id := partition.NodeID(2); id <= partition.NodeID(n); id++ {
		if change != nil {
			cfg := c.config(id)
			change(&cfg)
			cfg.Founder = nil
			c.cfgs[id] = cfg
		}
		c.join(first, id)
	}
	want := map[int]int{1: 1, 2: 2, 3: 3, 4: 3}[n]
	if want == 0 {
		want = 5
	}
	c.within(10*time.Second, fmt.Sprint(want, " voters"), func() bool {
		for _, r := range c.up {
			if len(r.Status().Voters) != want || len(r.Status().Voters)+len(r.Status().Nonvoters) != n {
				return false
			}
		}
		return true
	})
	return c
}

func TestSevenNodesHaveFiveVotersAndOneMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 7, nil)
		c.settle()
		c.together()
		m := c.up[7].Map()
		if len(m.Peers) != 7 || m.Wanted() != 3 {
			t.Fatalf("%+v", m.Peers)
		}
		for i, row := range m.Table {
			if row.MinInSync != 2 || len(row.InSync) != 3 {
				t.Fatalf("partition %d: %+v", i, row)
			}
		}
	})
}

// TestProposalsSurviveLeaderLoss has every node propose one address after the
// other, while one leader after the other is cut off, replies are lost and calls
// arrive a second time seconds later. Each proposal is applied
// once and in order: on no node does an address return to an earlier one.
func TestProposalsSurviveLeaderLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 5, nil)
		c.net.mu.Lock()
		c.net.faulty = rand.New(rand.NewPCG(1, 2))
		c.net.mu.Unlock()
		const each = 60
		var work sync.WaitGroup
		stop := make(chan struct{})
		var watchers sync.WaitGroup
		for id, r := range c.up {
			watchers.Go(func() { watchAddresses(t, id, r, stop) })
			work.Go(func() {
				for i := range each {
					err := r.propose(context.Background(), &peerUp{fmt.Sprint("host:", i)})
					if err != nil {
						t.Errorf("node %v, proposal %d: %v", id, i, err)
						return
					}
					if p, _ := r.Map().Peer(id); p.Address != fmt.Sprint("host:", i) {
						t.Errorf("node %v, proposal %d known, and its address is %s", id, i, p.Address)
					}
					time.Sleep(200 * time.Millisecond)
				}
			})
		}
		lost := 0
		for range 6 {
			time.Sleep(1500 * time.Millisecond)
			if l := c.leader(); l != nil {
				lost++
				id := l.cfg.Self
				c.net.isolate(id, true)
				time.Sleep(2500 * time.Millisecond)
				c.net.isolate(id, false)
			}
		}
		work.Wait()
		c.together()
		close(stop)
		watchers.Wait()
		if lost < 4 {
			t.Fatalf("only %d leaders were lost", lost)
		}
		t.Logf("%d leaders lost", lost)
	})
}

// watchAddresses checks that no peer's numbered address goes back.
func watchAddresses(t *testing.T, id partition.NodeID, r *Raft, stop <-chan struct{}) {
	last := make(map[partition.NodeID]int)
	for {
		changed := r.Watch()
		for _, p := range r.Map().Peers {
			_, number, _ := strings.Cut(p.Address, "host:")
			n, err := strconv.Atoi(number)
			if err != nil {
				continue
			}
			if n < last[p.ID] {
				t.Errorf("node %v saw node %v go from address %d back to %d", id, p.ID, last[p.ID], n)
			}
			last[p.ID] = n
		}
		select {
		case <-changed:
		case <-stop:
			return
		}
	}
}

func TestAFollowerKnowsItsOutcomeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		began := time.Now()
		for i := range 20 {
			if err := c.up[3].propose(c.ctx(time.Second), &peerUp{fmt.Sprint("h:", i)}); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(began); d > 20*time.Millisecond {
			t.Fatalf("20 proposals of a follower waited %v for timers", d)
		}
	})
}

func TestAProposalDoesNotWaitForALostLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 5, nil)
		for round := range 4 {
			lost := c.leader().cfg.Self
			by := c.up[lost%5+1]
			c.net.isolate(lost, true)
			done := make(chan error, 1)
			go func() { done <- by.AbortJoin(context.Background(), uint64(10_000+round)) }()
			c.within(10*time.Second, "another leader", func() bool { l, ok := by.Leader(); return ok && l != lost })
			began := time.Now()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if d := time.Since(began); d > 200*time.Millisecond {
				t.Errorf("known %v after the new leader", d)
			}
			c.net.isolate(lost, false)
			c.together()
		}
	})
}

func TestWithoutAQuorumProposalsSayWhatTheyKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		leader := c.leader()
		id := leader.cfg.Self
		c.net.isolate(id, true)
		if err := leader.AbortJoin(c.ctx(200*time.Millisecond), 5); !errors.Is(err, partition.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("while it still thinks that it leads: %v", err)
		}
		c.within(5*time.Second, "the cut leader knows that it is none", func() bool { return leader.Status().State != "leader" })
		if err := leader.AbortJoin(c.ctx(time.Second), 6); !errors.Is(err, partition.ErrUnavailable) {
			t.Fatalf("when it knows: %v", err)
		}
		c.net.isolate(id, false)
		if err := leader.AbortJoin(c.ctx(20*time.Second), 7); err != nil {
			t.Fatal(err)
		}
		// A later outcome says that the earlier ones are carried out or void.
		c.together()
		if barred := leader.machine.state.Load().barred; slices.Contains(barred, 6) || !slices.Contains(barred, 7) {
			t.Fatalf("barred %v", barred)
		}
	})
}

func TestCloseEndsProposals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		follower := c.up[2]
		if follower == c.leader() {
			follower = c.up[3]
		}
		for id := range c.up {
			if id != follower.cfg.Self {
				c.stop(id)
			}
		}
		ended := make(chan error, 2)
		for range 2 {
			go func() { ended <- follower.ImportDone(context.Background()) }()
		}
		time.Sleep(3 * time.Second)
		c.stop(follower.cfg.Self)
		for range 2 {
			if err := <-ended; !errors.Is(err, ErrClosed) {
				t.Fatalf("got %v", err)
			}
		}
	})
}

func TestTheLeaderHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		old := c.leader()
		began := time.Now()
		if err := old.TransferLeadership(c.ctx(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		c.within(time.Second, "another leader", func() bool { l := c.leader(); return l != nil && l != old })
		t.Logf("handed over in %v", time.Since(began))
		if err := old.TransferLeadership(c.ctx(time.Second)); err != nil {
			t.Fatalf("by one who does not lead: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 1, nil)
		if err := c.up[1].TransferLeadership(c.ctx(10 * time.Second)); !errors.Is(err, ErrNoSuccessor) {
			t.Fatalf("alone: %v", err)
		}
	})
}

// A leader whose heir falls silent goes on leading: Raft (v1.7.3), told a second time
// to hand over to it, would take no proposals before the heir is heard, or ever.
func TestALeaderWhoseHeirIsSilentGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		leader, heir := c.leader(), partition.NodeID(0)
		for id, r := range c.up {
			switch {
			case r == leader:
			case heir == 0:
				heir = id
			default:
				leader.noteWithdrawal(id, r.cfg.Incarnation)
			}
		}
		c.net.isolate(heir, true)
		if err := leader.AbortJoin(c.ctx(time.Second), 5); err != nil {
			t.Fatal(err)
		}
		if err := leader.TransferLeadership(c.ctx(20 * time.Second)); !errors.Is(err, ErrNoSuccessor) {
			t.Fatalf("hand over to a silent heir: got %v, want %v", err, ErrNoSuccessor)
		}
		if err := leader.AbortJoin(c.ctx(time.Second), 6); err != nil {
			t.Errorf("a proposal after that: %v", err)
		}
		c.net.isolate(heir, false)
		if err := leader.TransferLeadership(c.ctx(time.Minute)); err != nil {
			t.Errorf("hand over to the heir that has returned: %v", err)
		}
	})
}

func TestOfTwoVotersOneWithdraws(t *testing.T) {
	for _, leads := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			c := grown(t, 2, onDisk(t))
			goes, stays := c.up[1], c.up[2]
			if (goes == c.leader()) != leads {
				goes, stays = stays, goes
			}
			if err := goes.Withdraw(c.ctx(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if s := goes.Status(); !slices.Equal(s.Voters, ids{stays.cfg.Self}) {
				t.Fatalf("voters %v", s.Voters)
			}
			gone := goes.cfg.Self
			c.stop(gone)
			if err := stays.AbortJoin(c.ctx(10*time.Second), 5); err != nil {
				t.Fatalf("the other alone: %v", err)
			}
			if _, ok := stays.Map().Peer(gone); !ok {
				t.Fatal("who withdrew is no peer any more")
			}
			if err := c.start(gone, nil).Up(c.ctx(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			c.within(10*time.Second, "two voters again", func() bool { return len(stays.Status().Voters) == 2 })
		})
	}
}

// A node that stops just after it has joined does not vote yet, and is not to be given
// a vote while it says that it stops: the other would need it for ever.
func TestOneWhoWithdrawsBeforeItVotesIsNotPromoted(t *testing.T) {
	for _, late := range []time.Duration{0, 100, 200, 300, 400} {
		synctest.Test(t, func(t *testing.T) {
			c := grown(t, 1, nil)
			goes := c.join(c.up[1], 2)
			time.Sleep(late * time.Millisecond)
			if err := goes.Withdraw(c.ctx(3 * time.Second)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(500 * time.Millisecond)
			c.stop(2)
			if err := c.up[1].AbortJoin(c.ctx(10*time.Second), 5); err != nil {
				t.Errorf("%d ms after the join: the other alone: %v", late, err)
			}
		})
	}
}

func TestOfThreeVotersOneWithdraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		old := c.leader()
		if err := old.Withdraw(c.ctx(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if c.leader() == old {
			t.Fatal("it still leads")
		}
		c.stop(old.cfg.Self)
		for _, r := range c.up {
			if err := r.propose(c.ctx(10*time.Second), &peerUp{"new:1"}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Heartbeats are to go out when they are due: what a slow link and the pauses between
// them leave of the leader's lease is little.
func TestALeaderKeepsItsLeaseOverASlowLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 2, nil)
		leader := c.leader()
		term := leader.raft.CurrentTerm()
		// There and back, and the longest pause: just below the lease.
		const slowest = (leaderLease - 2*heartbeatTimeout/10) / 2
		random := rand.New(rand.NewPCG(1, 2))
		c.net.slow(func() time.Duration { return slowest - time.Duration(random.Int64N(int64(slowest/3))) })
		defer func() {
			c.net.slow(nil)
			time.Sleep(slowest) // what is on its way arrives
		}()
		time.Sleep(5 * time.Minute)
		for id, r := range c.up {
			if now := r.raft.CurrentTerm(); now != term {
				t.Errorf("node %v: Raft's term: got %d, want %d", id, now, term)
			}
		}
		if s := leader.Status().State; s != "leader" {
			t.Errorf("the leader is a %s now", s)
		}
	})
}

// A leader that has heard of its successor appends nothing any more: under the
// successor's term, which has other entries, it would differ from it for ever.
func TestADeposedLeaderAppendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		leader := c.up[1]
		last := leader.raft.LastIndex()
		heartbeat := raft.AppendEntriesRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(serverID(2)), Addr: []byte(serverAddress(2))},
			Term:      leader.raft.CurrentTerm() + 1,
		}
		var answer raft.AppendEntriesResponse
		if err := c.up[2].wire.NetworkTransport.AppendEntries(serverID(1), serverAddress(1), &heartbeat, &answer); err != nil || !answer.Success {
			t.Fatalf("heartbeat of a new leader: %+v, %v", answer, err)
		}
		if err := leader.raft.Apply(nil, time.Second).Error(); err == nil {
			t.Error("the old leader committed an entry")
		}
		if now := leader.raft.LastIndex(); now != last {
			var entry raft.Log
			if err := leader.stores.log.GetLog(now, &entry); err != nil {
				t.Fatal(err)
			}
			t.Errorf("the old leader appended entry %d, under term %d", entry.Index, entry.Term)
		}
	})
}

// Entries that a deposed leader has still at hand may be its own and its successor's:
// whoever has heard of neither would take the mixture for the successor's log.
func TestADeposedLeaderSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		leader, follower := c.up[1], c.up[3]
		term, last := leader.raft.CurrentTerm(), follower.raft.LastIndex()
		mine := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(serverID(1)), Addr: []byte(serverAddress(1))}
		mixture := raft.AppendEntriesRequest{
			RPCHeader: mine, Term: term, PrevLogEntry: last, PrevLogTerm: term,
			Entries: []*raft.Log{{Index: last + 1, Term: term, Type: raft.LogNoop}, {Index: last + 2, Term: term + 1, Type: raft.LogNoop}},
		}
		heartbeat := raft.AppendEntriesRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(serverID(2)), Addr: []byte(serverAddress(2))},
			Term:      term + 1,
		}
		var answer raft.AppendEntriesResponse
		if err := c.up[2].wire.NetworkTransport.AppendEntries(serverID(1), serverAddress(1), &heartbeat, &answer); err != nil || !answer.Success {
			t.Fatalf("heartbeat of a new leader: %+v, %v", answer, err)
		}
		if err := leader.wire.AppendEntries(serverID(3), serverAddress(3), &mixture, &answer); !errors.Is(err, errDeposed) {
			t.Errorf("got %v, want %v", err, errDeposed)
		}
		if now := follower.raft.LastIndex(); now != last {
			t.Errorf("the follower has taken %d entries", now-last)
		}
	})
}

// However many commands are under way, nobody waits for commitTimeout to hear that the
// last of them is committed.
func TestFollowersHearAtOnceOfWhatIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 4, nil)
		delays := rand.New(rand.NewPCG(1, 2))
		c.net.slow(func() time.Duration { return time.Duration(delays.IntN(5)) * time.Millisecond })
		for round := range 100 {
			var proposals sync.WaitGroup
			for _, r := range c.up {
				proposals.Go(func() {
					for range round % 4 {
						// One that is refused is in the log like any other.
						if err := r.ChangeCopies(c.ctx(time.Second), []partition.Change{{Primary: 1}}); err != nil {
							t.Errorf("round %d: %v", round, err)
						}
					}
				})
			}
			proposals.Wait()
			c.within(commitTimeout/5, fmt.Sprint("the same state on all nodes in round ", round), c.agree)
		}
		c.net.slow(nil)
		time.Sleep(time.Second) // until nothing is on its way any more
	})
}
