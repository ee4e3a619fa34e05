package failpoint

import (
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/chaos/network"
)

// wires is a fault of the network between some nodes, all of which stay in touch
// with others.
type wires struct {
	name string
	fine bool // beyond what can be done with packets
	// choose returns the rule, the ways that it is on, and the nodes that may fail
	// requests for it.
	choose func(s *Scene) (rule network.Rule, ways []network.Way, afflicted []*cluster.Member)
}

func (w wires) Name() string { return w.name }
func (w wires) Available(c *cluster.Cluster) bool {
	return c.Wires == cluster.Proxies || wired(c) && !w.fine
}
func (w wires) Inject(s *Scene) error {
	rule, ways, afflicted := w.choose(s)
	for _, m := range afflicted {
		m.Afflict()
		defer m.Recovered()
	}
	if err := s.Cluster.Net.Set(rule, ways...); err != nil {
		return err
	}
	s.last(2*time.Second, 10*time.Second)
	return s.Cluster.Net.Heal()
}

// pair returns two random members.
func (s *Scene) pair() (a, b *cluster.Member) {
	a = s.any()
	others := s.Cluster.Others(a)
	return a, others[s.Rng.IntN(len(others))]
}

var wireFaults = []Failpoint{
	wires{"cut between two nodes", false, func(s *Scene) (network.Rule, []network.Way, []*cluster.Member) {
		a, b := s.pair()
		return s.broken(), network.Both([]string{a.Name}, []string{b.Name}), []*cluster.Member{a, b}
	}},
	wires{"hold one way between two nodes", false, func(s *Scene) (network.Rule, []network.Way, []*cluster.Member) {
		a, b := s.pair()
		return network.Rule{Hold: true}, []network.Way{{From: a.Name, To: b.Name}}, []*cluster.Member{a, b}
	}},
	wires{"hold all that one node sends", false, func(s *Scene) (network.Rule, []network.Way, []*cluster.Member) {
		a := s.any()
		var ways []network.Way
		for _, other := range s.Cluster.Others(a) {
			ways = append(ways, network.Way{From: a.Name, To: other.Name})
		}
		return network.Rule{Hold: true}, ways, []*cluster.Member{a}
	}},
	wires{"hold all that one node gets", false, func(s *Scene) (network.Rule, []network.Way, []*cluster.Member) {
		a := s.any()
		var ways []network.Way
		for _, other := range s.Cluster.Others(a) {
			ways = append(ways, network.Way{From: other.Name, To: a.Name})
		}
		return network.Rule{Hold: true}, ways, []*cluster.Member{a}
	}},
	wires{"cut one node's Raft only", true, func(s *Scene) (network.Rule, []network.Way, []*cluster.Member) {
		a := s.any()
		rule := s.broken()
		rule.Kinds = network.OnlyRaft
		return rule, s.around(a), nil
	}},
	wires{"cut all but Raft around one node", true, func(s *Scene) (network.Rule, []network.Way, []*cluster.Member) {
		a := s.any()
		rule := s.broken()
		rule.Kinds = network.AllButRaft
		return rule, s.around(a), []*cluster.Member{a}
	}},
	wires{"slow network everywhere", true, func(s *Scene) (network.Rule, []network.Way, []*cluster.Member) {
		names := cluster.Names(s.Cluster.Members())
		return network.Rule{Delay: s.between(time.Millisecond, 60*time.Millisecond)}, network.Both(names, names), nil
	}},
	wires{"slow network around one node", true, func(s *Scene) (network.Rule, []network.Way, []*cluster.Member) {
		a := s.any()
		return network.Rule{Delay: s.between(50*time.Millisecond, time.Second)}, s.around(a), []*cluster.Member{a}
	}},
}

// around is both ways between a node and all others.
func (s *Scene) around(m *cluster.Member) []network.Way {
	return network.Both([]string{m.Name}, cluster.Names(s.Cluster.Members()))
}

// flap cuts a random node off and connects it again, many times.
type flap struct{}

func (flap) Name() string                      { return "cut one off and on" }
func (flap) Available(c *cluster.Cluster) bool { return wired(c) }
func (flap) Inject(s *Scene) error {
	const times = 6
	victim := s.any()
	victim.Afflict()
	defer victim.Recovered()
	for range times {
		if err := s.Cluster.Net.Set(s.broken(), s.around(victim)...); err != nil {
			return err
		}
		s.last(50*time.Millisecond, 2*time.Second)
		if err := s.Cluster.Net.Heal(); err != nil {
			return err
		}
		s.last(20*time.Millisecond, 600*time.Millisecond)
	}
	return nil
}
