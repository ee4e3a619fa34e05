package fsm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

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
