package fsm

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
)

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
