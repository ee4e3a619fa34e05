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
