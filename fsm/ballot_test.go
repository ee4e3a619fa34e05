package fsm

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
)

// Of five voters two are gone, Raft's leader one of them, so each of the others is
// needed: the first that misses the leader is elected, not the last.
func TestTheFirstThatMissesTheLeaderIsElected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 5, nil)
		const rounds = 24
		var took []time.Duration
		for round := range rounds {
			c.within(time.Minute, "five voters that hear one leader", c.ledByOne)
			leader := c.leader().cfg.Self
			other := leader%5 + 1
			time.Sleep(time.Duration(round) * 97 * time.Millisecond)
			began := time.Now()
			c.net.isolate(leader, true)
			c.net.isolate(other, true)
			c.within(time.Minute, "another leader", func() bool {
				for id, r := range c.up {
					if s := r.Status(); id != leader && id != other && s.State == "leader" {
						return true
					}
				}
				return false
			})
			took = append(took, time.Since(began))
			c.net.isolate(leader, false)
			c.net.isolate(other, false)
		}
		slices.Sort(took)
		t.Logf("elections took %v", took)
		if median := took[rounds/2]; median > heartbeatTimeout*3/2 {
			t.Errorf("half of them took %v or more, want at most %v", median, heartbeatTimeout*3/2)
		}
	})
}

// ledByOne reports whether all nodes go by one leader, know of five voters, and have
// one log.
func (c *cluster) ledByOne() bool {
	var leader partition.NodeID
	var last uint64
	for _, r := range c.up {
		id, ok := r.Leader()
		if !ok || leader != 0 && id != leader || last != 0 && r.raft.LastIndex() != last || len(r.Status().Voters) != 5 {
			return false
		}
		leader, last = id, r.raft.LastIndex()
	}
	return true
}

// A leader that is heard is not voted out, whoever has lost sight of it.
func TestALeaderThatIsHeardIsNotVotedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 5, nil)
		leader := c.leader()
		term := leader.raft.CurrentTerm()
		blind := leader.cfg.Self%5 + 1
		c.net.mu.Lock()
		c.net.cut[[2]partition.NodeID{leader.cfg.Self, blind}] = true
		for conn := range c.net.conns {
			if conn.ends == [2]partition.NodeID{leader.cfg.Self, blind} || conn.ends == [2]partition.NodeID{blind, leader.cfg.Self} {
				go conn.Close()
			}
		}
		c.net.mu.Unlock()
		c.within(10*time.Second, "one that stands for election", func() bool { return c.up[blind].Status().State == "candidate" })
		time.Sleep(time.Minute)
		if now := leader.raft.CurrentTerm(); c.leader() != leader || now != term {
			t.Errorf("term %d, and node %v leads; want still term %d, led by node %v", now, c.leader(), term, leader.cfg.Self)
		}
	})
}
