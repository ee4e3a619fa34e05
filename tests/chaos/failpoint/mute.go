package failpoint

import (
	"errors"
	"slices"
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/chaos/network"
	"pipelinedht/tests/harness"
	"pipelinedht/tests/register"
)

// restartUnheard has a copy take over from a primary that is frozen and has lost
// sight of Raft, and then restarts it, so that it can propose nothing: until the
// map shows its new start, which says when it took over last, it must not vouch
// for the former primary, which goes on meanwhile.
type restartUnheard struct{}

func (restartUnheard) Name() string {
	return "restart a new primary that Raft does not hear, thaw the old one"
}
func (restartUnheard) Available(c *cluster.Cluster) bool {
	return c.Wires == cluster.Proxies && c.Durable
}
func (restartUnheard) Inject(s *Scene) error {
	r, err := s.pick(func(*cluster.Member, []*cluster.Member) bool { return true })
	if r == nil {
		return err
	}
	defer r.afflict()()
	former, heir := r.copies[0], r.copies[1]
	if r.witness, err = s.leadBesides(former, heir); err != nil {
		return err
	}
	key := r.key("register-row")
	write := func(through *cluster.Member, value string) {
		r.ask(through.Client, 0, register.Input{Kind: register.Write, Key: key, Value: value})
	}
	write(former, "by the former primary")
	if err := s.Cluster.Net.Set(network.Rule{Cut: true, Kinds: network.OnlyRaft}, s.around(former)...); err != nil {
		return err
	}
	if err := former.Freeze(); err != nil {
		return err
	}
	err = r.await(former.Name+" is replaced", func(p *harness.Place) bool { return p.Primary.Name != former.Name })
	if err != nil {
		return err
	}
	write(heir, "by its heir")
	if err := s.restartMute(r, heir, former); err != nil {
		return err
	}
	if err := former.Thaw(); err != nil {
		return err
	}
	stop := r.again(former, 1, func(int) register.Input { return register.Input{Kind: register.Read, Key: key} })
	defer stop()
	s.last(2*time.Second, 4*time.Second)
	if err := s.Cluster.Net.Heal(); err != nil {
		return err
	}
	return heir.WaitReady(changedWithin)
}

// restartMute kills a node and starts it again, with nobody but one to speak to:
// it hears what Raft agrees on, and cannot have anything agreed.
func (s *Scene) restartMute(r *row, m, friend *cluster.Member) error {
	var ways []network.Way
	for _, other := range s.Cluster.Members() {
		if other != m && other != friend {
			ways = append(ways, network.Both([]string{m.Name}, []string{other.Name})...)
		}
	}
	if err := s.Cluster.Net.Set(network.Rule{Cut: true, Kinds: network.AllButRaft}, ways...); err != nil {
		return err
	}
	s.Cluster.Kill(m)
	if err := s.Cluster.Launch(m); err != nil {
		return err
	}
	return harness.Poll(changedWithin, func() error {
		_, err := m.Place(r.place)
		return err
	})
}

// leadBesides cuts Raft's connections around whoever leads it until that is none of
// these, and returns who it is.
func (s *Scene) leadBesides(these ...*cluster.Member) (*cluster.Member, error) {
	for {
		leader, err := leaderOf(s.Cluster.Members())
		if err != nil || !slices.Contains(these, leader) {
			return leader, err
		}
		if err := s.Cluster.Net.Set(network.Rule{Cut: true, Kinds: network.OnlyRaft}, s.around(leader)...); err != nil {
			return nil, err
		}
		others := slices.DeleteFunc(s.Cluster.Members(), func(m *cluster.Member) bool { return m == leader })
		if _, err := leaderOf(others); err != nil {
			return nil, err
		}
		if err := s.Cluster.Net.Heal(); err != nil {
			return nil, err
		}
	}
}

// leaderOf waits until one of the nodes leads Raft.
func leaderOf(members []*cluster.Member) (leader *cluster.Member, err error) {
	err = harness.Poll(changedWithin, func() error {
		for _, m := range members {
			if leads, err := m.Leads(); err != nil || leads {
				leader = m
				return err
			}
		}
		return errors.New("nobody leads Raft")
	})
	return leader, err
}
