package failpoint

import (
	"fmt"
	"time"

	"pipelinedht/tests/chaos/cluster"
)

// replaceOne has a newcomer join and a member leave for good.
type replaceOne struct{}

func (replaceOne) Name() string                    { return "join, then leave" }
func (replaceOne) Available(*cluster.Cluster) bool { return true }
func (replaceOne) Inject(s *Scene) error {
	joiner, err := s.newcomer()
	if err != nil {
		return err
	}
	if err := s.Cluster.Join(joiner); err != nil {
		return err
	}
	s.last(0, time.Second)
	leaver := s.any()
	s.Cluster.Withdraw(leaver)
	return s.farewell(leaver)
}

// leaveAndJoin has a member leave and come back.
type leaveAndJoin struct{}

func (leaveAndJoin) Name() string                    { return "leave, then join again" }
func (leaveAndJoin) Available(*cluster.Cluster) bool { return true }
func (leaveAndJoin) Inject(s *Scene) error {
	leaver := s.any()
	s.Cluster.Withdraw(leaver)
	return s.leaveAndReturn(leaver)
}

// changeAtOnce has newcomers join while as many members leave, up to almost half
// of all.
type changeAtOnce struct{}

func (changeAtOnce) Name() string                    { return "joins and leaves at once" }
func (changeAtOnce) Available(*cluster.Cluster) bool { return true }
func (changeAtOnce) Inject(s *Scene) error {
	members := s.Cluster.Members()
	s.Rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	count := 1 + s.Rng.IntN((len(members)-1)/2)
	var joiners []*cluster.Member
	for range count {
		joiner, err := s.newcomer()
		if err != nil {
			return err
		}
		joiners = append(joiners, joiner)
	}
	leavers := members[:count]
	for _, m := range leavers {
		s.Cluster.Withdraw(m)
	}
	if err := s.Cluster.Change(joiners, leavers); err != nil {
		return err
	}
	for _, m := range leavers {
		if err := s.Cluster.Stop(m); err != nil {
			return err
		}
	}
	return nil
}

// leaveWhileOneIsDead has a member leave while another one is dead.
type leaveWhileOneIsDead struct{}

func (leaveWhileOneIsDead) Name() string                      { return "leave while another is dead" }
func (leaveWhileOneIsDead) Available(c *cluster.Cluster) bool { return len(c.Members()) >= 5 }
func (leaveWhileOneIsDead) Inject(s *Scene) error {
	dead, leaver := s.pair()
	s.Cluster.Kill(dead)
	s.last(0, 2*time.Second)
	s.Cluster.Withdraw(leaver)
	if err := s.Cluster.Leave(leaver); err != nil {
		return err
	}
	if err := s.Cluster.Restart(s.Rng, dead); err != nil {
		return err
	}
	return s.leaveAndReturn(leaver)
}

// joinWhileOneIsDead has a newcomer join while a member is dead.
type joinWhileOneIsDead struct{}

func (joinWhileOneIsDead) Name() string                    { return "join while another is dead" }
func (joinWhileOneIsDead) Available(*cluster.Cluster) bool { return true }
func (joinWhileOneIsDead) Inject(s *Scene) error {
	joiner, err := s.newcomer()
	if err != nil {
		return err
	}
	dead := s.any()
	s.Cluster.Kill(dead)
	s.last(0, 2*time.Second)
	if err := s.Cluster.Join(joiner); err != nil {
		return err
	}
	if err := s.Cluster.Restart(s.Rng, dead); err != nil {
		return err
	}
	leaver := s.any()
	s.Cluster.Withdraw(leaver)
	return s.farewell(leaver)
}

// leaveAndReturn has a withdrawn member leave, if it has not, and come back with
// what it was given while it stood alone.
func (s *Scene) leaveAndReturn(leaver *cluster.Member) error {
	if err := s.Cluster.Leave(leaver); err != nil {
		return err
	}
	s.last(0, time.Second)
	if err := s.give(leaver); err != nil {
		return err
	}
	return s.Cluster.Join(leaver)
}

// farewell has a withdrawn member leave, if it has not, and ends its process.
func (s *Scene) farewell(leaver *cluster.Member) error {
	if err := s.Cluster.Leave(leaver); err != nil {
		return err
	}
	return s.Cluster.Stop(leaver)
}

// newcomer starts a node with keys of its own.
func (s *Scene) newcomer() (*cluster.Member, error) {
	m := s.Cluster.Newcomer()
	return m, s.give(m)
}

// given is how many keys a node that stands alone gets.
const given = 30

// give writes keys to a node that stands alone: they must come along when it
// joins.
func (s *Scene) give(m *cluster.Member) error {
	round := s.Rng.Uint32()
	for i := range given {
		key := fmt.Sprintf("once-%s-%08x-%d", m.Name, round, i)
		if _, err := s.Once.Put(m.Client, key); err != nil {
			return fmt.Errorf("%s alone: %w", m.Name, err)
		}
	}
	return nil
}
