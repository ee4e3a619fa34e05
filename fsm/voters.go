package fsm

import (
	"cmp"
	"slices"

	"pipelinedht/partition"
)

// maxVoters is how many of the servers vote; the others only follow.
const maxVoters = 5

// server is one entry of Raft's configuration.
type server struct {
	id    partition.NodeID
	voter bool
}

// group is what the leader decides on: Raft's configuration beside the map, and
// what it has heard of the servers.
type group struct {
	self     partition.NodeID
	servers  []server
	peers    []partition.Peer
	live     func(partition.NodeID) bool // heard lately
	ready    func(partition.NodeID) bool // its log is as good as the leader's
	stopping func(partition.NodeID) bool // has said that it is about to stop
}

// stepKind is what the leader does next to Raft's configuration.
type stepKind uint8

const (
	stepNone    stepKind = iota
	stepAdd              // as non-voter
	stepPromote          // non-voter to voter
	stepDemote           // voter to non-voter
	stepRemove           // a non-voter
	stepYield            // hand over the leadership
)

type step struct {
	kind stepKind
	id   partition.NodeID
}

// next returns the next single change that brings Raft's configuration closer to
// what the map asks for.
//
//   - Every peer is a server, and nobody else; a voter is demoted before it is
//     removed, and a leader hands over before that.
//   - The voters are the live peers that stay, up to maxVoters, an odd number of
//     them; where they are even, a silent or stopping voter may keep its place,
//     because it costs nothing and may be back first. Two are the exception: the
//     second keeps the log.
//   - No step leaves fewer live voters than a quorum: a voter counts at once.
//   - A voter's successor is promoted before it is demoted. The other way round two
//     are left of three, and if one of them has just died, unnoticed, neither it nor
//     the one demoted can be done without: not even the return of the latter helps.
func (g *group) next() step {
	for _, p := range g.peers {
		if !slices.ContainsFunc(g.servers, func(s server) bool { return s.id == p.ID }) {
			return step{stepAdd, p.ID}
		}
	}
	want := g.want()
	for _, id := range want {
		if !g.votes(id) && g.voters() < maxVoters && g.safe(step{stepPromote, id}) {
			return step{stepPromote, id}
		}
	}
	for _, s := range g.servers {
		if !s.voter && !g.isPeer(s.id) && s.id != g.self {
			return step{stepRemove, s.id}
		}
		if s.voter && s.id != g.self && !slices.Contains(want, s.id) && g.safe(step{stepDemote, s.id}) {
			return step{stepDemote, s.id}
		}
	}
	if len(want) > 0 && !slices.Contains(want, g.self) {
		return step{kind: stepYield}
	}
	return step{}
}

// want returns the servers that should vote.
func (g *group) want() []partition.NodeID {
	var stay, fresh, silent []partition.NodeID
	for _, s := range g.servers {
		if !g.stays(s.id) {
			continue
		}
		switch live := (s.id == g.self || g.live(s.id)) && !g.stopping(s.id); {
		case s.voter && live:
			stay = append(stay, s.id)
		case s.voter:
			silent = append(silent, s.id)
		case live && g.ready(s.id):
			fresh = append(fresh, s.id)
		}
	}
	g.sort(stay)
	g.sort(fresh)
	g.sort(silent)
	want := slices.Concat(stay, fresh)
	want = want[:min(len(want), maxVoters)]
	if len(want)%2 == 1 || len(want) == 0 {
		return want
	}
	if len(silent) > 0 {
		return append(want, silent[0])
	}
	if len(want) > 2 {
		return want[:len(want)-1]
	}
	return want
}

// sort puts this node first, the others by id.
func (g *group) sort(ids []partition.NodeID) {
	slices.SortFunc(ids, func(a, b partition.NodeID) int {
		switch {
		case a == b:
			return 0
		case a == g.self:
			return -1
		case b == g.self:
			return 1
		}
		return cmp.Compare(a, b)
	})
}

// safe reports whether the live voters are a quorum after the step.
func (g *group) safe(after step) bool {
	voters, live := 0, 0
	for _, s := range g.servers {
		votes := s.voter
		if s.id == after.id {
			votes = after.kind == stepPromote
		}
		if !votes {
			continue
		}
		voters++
		if s.id == g.self || g.live(s.id) {
			live++
		}
	}
	return live > voters/2
}

func (g *group) voters() int {
	n := 0
	for _, s := range g.servers {
		if s.voter {
			n++
		}
	}
	return n
}

func (g *group) votes(id partition.NodeID) bool {
	return slices.ContainsFunc(g.servers, func(s server) bool { return s.id == id && s.voter })
}

func (g *group) isPeer(id partition.NodeID) bool {
	_, ok := peerIndex(g.peers, id)
	return ok
}

// stays reports whether the server is a peer that is not leaving.
func (g *group) stays(id partition.NodeID) bool {
	i, ok := peerIndex(g.peers, id)
	return ok && g.peers[i].State != partition.Leaving
}
