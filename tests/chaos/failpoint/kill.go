package failpoint

import (
	"time"

	"pipelinedht/tests/chaos/cluster"
)

// killOne kills a random node. Half of the time it comes back before the others
// have noticed.
type killOne struct{}

func (killOne) Name() string                    { return "kill one" }
func (killOne) Available(*cluster.Cluster) bool { return true }
func (killOne) Inject(s *Scene) error           { return s.kill(s.Rng.IntN(2) == 0, s.any()) }

// killLeader kills the node that leads Raft.
type killLeader struct{}

func (killLeader) Name() string                    { return "kill Raft's leader" }
func (killLeader) Available(*cluster.Cluster) bool { return true }
func (killLeader) Inject(s *Scene) error {
	leader, err := s.Cluster.Leader()
	if err != nil {
		return err
	}
	return s.kill(false, leader)
}

// killTwo kills two nodes at once: as many as may die of three copies.
type killTwo struct{}

func (killTwo) Name() string                      { return "kill two at once" }
func (killTwo) Available(c *cluster.Cluster) bool { return len(c.Members()) >= 5 }
func (killTwo) Inject(s *Scene) error {
	first := s.any()
	others := s.Cluster.Others(first)
	return s.kill(false, first, others[s.Rng.IntN(len(others))])
}

// killAll kills every node at once and starts them in random order.
type killAll struct{}

func (killAll) Name() string                      { return "kill all at once" }
func (killAll) Available(c *cluster.Cluster) bool { return c.Durable }
func (killAll) Inject(s *Scene) error {
	all := s.Cluster.Members()
	s.Rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	s.Cluster.Kill(all...)
	s.last(0, time.Second)
	return s.Cluster.Restart(s.Rng, all...)
}

// kill kills the victims and starts them again: briefly at once, else when their
// partitions are served by others, and some time later.
func (s *Scene) kill(brief bool, victims ...*cluster.Member) error {
	if brief {
		s.Cluster.Kill(victims...)
		s.last(0, 500*time.Millisecond)
		return s.Cluster.Restart(s.Rng, victims...)
	}
	if err := s.prepare(victims...); err != nil {
		return err
	}
	s.Cluster.Kill(victims...)
	s.begin()
	if err := s.served(); err != nil {
		return err
	}
	s.last(0, 4*time.Second)
	return s.Cluster.Restart(s.Rng, victims...)
}
