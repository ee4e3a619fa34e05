package fsm

import (
	"time"

	"github.com/hashicorp/raft"
)

// Calls for this node's vote are altered before Raft (v1.7.3) has them, for it to
// judge them by what counts: the logs and the term.

// prepareVote alters a call for a vote.
func prepareVote(c *raft.RequestVoteRequest, r *raft.Raft) {
	c.ID = nil
	if forsaken(r) {
		c.LeadershipTransfer = true
	}
}

// preparePreVote alters the call that a candidate makes before that.
func preparePreVote(c *raft.RequestPreVoteRequest, r *raft.Raft) {
	c.ID = anyVoter(r)
	if leader, _ := r.LeaderWithID(); leader != "" && forsaken(r) {
		c.Addr = []byte(leader)
	}
}

// anyVoter returns a voter's id, to stand for the candidate's. By that Raft refuses
// the vote to a candidate that does not vote in the configuration which this node has,
// be it an old one: after changes of the configuration that not all have heard of
// nobody might be elected any more. Calls for a vote need no id, those for a pre-vote
// do. A vote is safe without (Ongaro, 2014, section 4.2.2), and a removed node does not
// disturb: it gets no pre-vote as long as there is a leader, and after that it lacks
// the entry which removed it.
func anyVoter(r *raft.Raft) []byte {
	for _, s := range r.GetConfiguration().Configuration().Servers {
		if s.Suffrage == raft.Voter {
			return []byte(s.ID)
		}
	}
	return nil
}

// forsaken reports whether this node's leader has been silent for the leader's lease.
// A quorum of such followers is one that the leader has lost, and it steps down.
//
// Raft refuses its vote as long as it goes by a leader, and gives that up only where
// its own time-out of up to twice heartbeatTimeout, begun at any time before, finds
// it silent: a candidate is elected when the last of those whom it needs has come to
// that. Where two of five are dead it needs all others, and the election took up to
// 2.4 s. By the leader's silence the first candidate is elected at once (Ongaro, 2014,
// section 4.2.3). Raft is told so by what it lets pass: the call of the leader itself,
// for a pre-vote, or of the one that it hands over to.
func forsaken(r *raft.Raft) bool {
	return r.State() != raft.Leader && time.Since(r.LastContact()) >= leaderLease
}
