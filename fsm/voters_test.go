package fsm

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"pipelinedht/partition"
)

// parseGroup reads a configuration in which node 1 leads. Each word is a node:
// its number, then V voter, N non-voter or nothing if it is no server, then any
// of: - silent, s stopping, b behind, l leaving, g gone from the map.
func parseGroup(text string) *group {
	g := &group{self: 1}
	traits := make(map[partition.NodeID]string)
	for _, word := range strings.Fields(text) {
		id, rest := partition.NodeID(word[0]-'0'), word[1:]
		traits[id] = rest
		if strings.ContainsAny(rest, "VN") {
			g.servers = append(g.servers, server{id, strings.Contains(rest, "V")})
		}
		if !strings.Contains(rest, "g") {
			p := partition.Peer{ID: id}
			if strings.Contains(rest, "l") {
				p.State = partition.Leaving
			}
			g.peers = append(g.peers, p)
		}
	}
	has := func(id partition.NodeID, trait string) bool { return strings.Contains(traits[id], trait) }
	g.live = func(id partition.NodeID) bool { return !has(id, "-") }
	g.ready = func(id partition.NodeID) bool { return !has(id, "-") && !has(id, "b") }
	g.stopping = func(id partition.NodeID) bool { return has(id, "s") }
	return g
}

// take does what Raft does with a step.
func (g *group) take(s step) {
	i := slices.IndexFunc(g.servers, func(v server) bool { return v.id == s.id })
	switch s.kind {
	case stepAdd:
		g.servers = append(g.servers, server{s.id, false})
	case stepPromote:
		g.servers[i].voter = true
	case stepDemote:
		g.servers[i].voter = false
	case stepRemove:
		g.servers = slices.Delete(g.servers, i, i+1)
	}
}

func (g *group) voting() (numbers []uint64) {
	for _, s := range g.servers {
		if s.voter {
			numbers = append(numbers, uint64(s.id))
		}
	}
	slices.Sort(numbers)
	return numbers
}

func TestTheVotersThatALeaderArrivesAt(t *testing.T) {
	cases := []struct {
		group string
		want  string // voters; "yield" after them if the leader hands over
	}{
		{"1V", "[1]"},
		{"1V 2", "[1 2]"},
		{"1V 2 3", "[1 2 3]"},
		{"1V 2 3 4", "[1 2 3]"},
		{"1V 2 3 4 5", "[1 2 3 4 5]"},
		{"1V 2 3 4 5 6 7", "[1 2 3 4 5]"},
		{"1V 2Nb 3N", "[1 3]"},                   // behind: not yet
		{"1V 2N- 3N", "[1 3]"},                   // silent: not at all
		{"1V 2V 3V-", "[1 2 3]"},                 // keeps its place: nobody better
		{"1V 2V 3V- 4N", "[1 2 4]"},              // gives way
		{"1V 2V 3V 4V- 5V-", "[1 2 3]"},          // two silent cost a majority
		{"1V 2V 3V 4V 5V-", "[1 2 3 4 5]"},       // one silent costs nothing
		{"1V 2V 3V 4V 5V- 6N 7N", "[1 2 3 4 6]"}, // gives way to the first
		{"1V 2V 3V 4V", "[1 2 3]"},               // an even number
		{"1V 2V-", "[1]"},                        // if it still leads by then
		{"1V 2Vs", "[1]"},                        // the other of two stops
		{"1Vs 2V", "[1 2] yield"},
		{"1V 2Vs 3V", "[1 2 3]"},
		{"1V 2V 3Vs 4N", "[1 2 4]"},
		{"1V 2Vl", "[1]"},
		{"1V 2Vl 3N", "[1 3]"},
		{"1Vl 2V", "[1 2] yield"},
		{"1Vl 2N", "[1 2] yield"},
		{"1Vg 2V 3V", "[1 2 3] yield"},
		{"1V 2Vg 3V 4V", "[1 3 4]"},
		{"1V 2Vg- 3V", "[1 3]"},
		{"1V 2Ng 3Ng-", "[1]"},
	}
	for _, c := range cases {
		t.Run(c.group, func(t *testing.T) {
			g := parseGroup(c.group)
			got := ""
			for range 30 {
				s := g.next()
				if s.kind == stepNone || s.kind == stepYield {
					got = fmt.Sprint(g.voting())
					if s.kind == stepYield {
						got += " yield"
					}
					break
				}
				g.take(s)
			}
			if got != c.want {
				t.Fatalf("got %q, want %q; servers %v", got, c.want, g.servers)
			}
			for _, s := range g.servers {
				if s.id != g.self && !g.isPeer(s.id) {
					t.Errorf("server %d is left, and no peer", s.id)
				}
			}
			for _, p := range g.peers {
				if !slices.ContainsFunc(g.servers, func(s server) bool { return s.id == p.ID }) {
					t.Errorf("peer %d is no server", p.ID)
				}
			}
		})
	}
}

// With two voters instead of three, the unnoticed death of one would be the end of
// the group.
func TestAVotersSuccessorIsPromotedFirst(t *testing.T) {
	for _, text := range []string{"1V 2Vs 3V 4N", "1V 2Vl 3V 4N", "1V 2V- 3V 4N", "1V 2Vg 3V 4N"} {
		g := parseGroup(text)
		for s := g.next(); s.kind != stepNone; s = g.next() {
			g.take(s)
			if got := g.voting(); len(got) < 3 {
				t.Errorf("%s: got voters %v on the way, want three at least", text, got)
			}
		}
	}
}

// TestNoStepEndangersTheGroup walks from any configuration with a live quorum to
// the end of the steps.
func TestNoStepEndangersTheGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := []string{"1V" + rapid.SampledFrom([]string{"", "", "s", "l", "g"}).Draw(t, "leader")}
		nodes := rapid.IntRange(1, 9).Draw(t, "nodes")
		for id := 2; id <= nodes; id++ {
			suffrage := rapid.SampledFrom([]string{"V", "V", "N", ""}).Draw(t, "suffrage")
			trait := rapid.SampledFrom([]string{"", "", "", "-", "s", "b", "l", "g", "-l", "-g"}).Draw(t, "trait")
			if suffrage == "" && strings.Contains(trait, "g") {
				continue
			}
			words = append(words, fmt.Sprint(id)+suffrage+trait)
		}
		text := strings.Join(words, " ")
		g := parseGroup(text)
		if !g.safe(step{}) {
			t.Skip("no quorum to begin with")
		}
		for i := 0; ; i++ {
			s := g.next()
			if s.kind == stepNone || s.kind == stepYield {
				break
			}
			if s.kind == stepRemove && g.votes(s.id) {
				t.Fatalf("%s: voter %d removed", text, s.id)
			}
			before := g.voters()
			g.take(s)
			if !g.safe(step{}) {
				t.Fatalf("%s: %+v leaves %v without a live quorum", text, s, g.servers)
			}
			if after := g.voters(); after > before && after > maxVoters {
				t.Fatalf("%s: %d voters", text, after)
			}
			if i > 40 {
				t.Fatalf("%s: no end of steps; servers %v", text, g.servers)
			}
		}
	})
}

// Who votes is the candidate's configuration's business: a node with an older one, in
// which the candidate or the node itself does not vote yet, would otherwise keep it
// from being elected, and for ever if the node is needed for a majority.
func TestVotesDoNotGoByTheConfigurationOfThoseAsked(t *testing.T) {
	for _, c := range []struct {
		name string
		pick func(follower, nonvoter partition.NodeID) (candidate, asked partition.NodeID)
	}{
		{"the candidate does not vote there", func(follower, nonvoter partition.NodeID) (_, _ partition.NodeID) { return nonvoter, follower }},
		{"the asked does not vote there", func(follower, nonvoter partition.NodeID) (_, _ partition.NodeID) { return follower, nonvoter }},
		{"the candidate is not known there", func(_, nonvoter partition.NodeID) (_, _ partition.NodeID) { return 99, nonvoter }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { votesForAStranger(t, c.pick) })
		})
	}
}

func votesForAStranger(t *testing.T, pick func(follower, nonvoter partition.NodeID) (_, _ partition.NodeID)) {
	c := grown(t, 4, nil)
	var follower, nonvoter, leader partition.NodeID
	for id, r := range c.up {
		switch {
		case r.raft.State() == raft.Leader:
			leader = id
		case slices.Contains(r.Status().Voters, id):
			follower = id
		default:
			nonvoter = id
		}
	}
	candidate, asked := pick(follower, nonvoter)
	c.net.isolate(asked, true)
	c.within(10*time.Second, "no leader", func() bool { _, led := c.up[asked].Leader(); return !led })
	c.net.isolate(asked, false)
	c.net.isolate(leader, true)
	from, to := c.up[follower], c.up[asked]
	if asked == follower {
		from = c.up[nonvoter]
	}
	header := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(serverID(candidate)), Addr: []byte(serverAddress(candidate))}
	term, last := to.raft.CurrentTerm()+5, to.raft.LastIndex()+100
	var before raft.RequestPreVoteResponse
	err := from.wire.RequestPreVote(serverID(asked), serverAddress(asked),
		&raft.RequestPreVoteRequest{RPCHeader: header, Term: term, LastLogIndex: last, LastLogTerm: term - 1}, &before)
	if err != nil || !before.Granted {
		t.Errorf("pre-vote: %+v, %v", before, err)
	}
	var vote raft.RequestVoteResponse
	err = from.wire.RequestVote(serverID(asked), serverAddress(asked),
		&raft.RequestVoteRequest{RPCHeader: header, Term: term, LastLogIndex: last, LastLogTerm: term - 1}, &vote)
	if err != nil || !vote.Granted {
		t.Errorf("vote: %+v, %v", vote, err)
	}
}
