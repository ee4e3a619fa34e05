package failpoint

import (
	"time"

	"pipelinedht/tests/chaos/cluster"
)

// freezeOne stops a random node where it stands, for longer than its leases.
type freezeOne struct{}

func (freezeOne) Name() string                    { return "freeze one" }
func (freezeOne) Available(*cluster.Cluster) bool { return true }
func (freezeOne) Inject(s *Scene) error           { return s.freeze(s.any()) }

// freezeLeader freezes the node that leads Raft.
type freezeLeader struct{}

func (freezeLeader) Name() string                    { return "freeze Raft's leader" }
func (freezeLeader) Available(*cluster.Cluster) bool { return true }
func (freezeLeader) Inject(s *Scene) error {
	leader, err := s.Cluster.Leader()
	if err != nil {
		return err
	}
	return s.freeze(leader)
}

// blinkOne freezes a random node for about as long as a lease, a few times.
type blinkOne struct{}

func (blinkOne) Name() string                    { return "freeze one briefly, again and again" }
func (blinkOne) Available(*cluster.Cluster) bool { return true }
func (blinkOne) Inject(s *Scene) error {
	const blinks = 4
	victim := s.any()
	victim.Afflict()
	defer victim.Recovered()
	for range blinks {
		if err := victim.Freeze(); err != nil {
			return err
		}
		s.last(100*time.Millisecond, 2500*time.Millisecond)
		if err := victim.Thaw(); err != nil {
			return err
		}
		s.last(50*time.Millisecond, 500*time.Millisecond)
	}
	return nil
}

// freeze stops the victim for up to ten seconds.
func (s *Scene) freeze(victim *cluster.Member) error {
	if err := s.prepare(victim); err != nil {
		return err
	}
	victim.Afflict()
	defer victim.Recovered()
	if err := victim.Freeze(); err != nil {
		return err
	}
	s.begin()
	s.last(4*time.Second, 10*time.Second)
	if err := victim.Thaw(); err != nil {
		return err
	}
	return s.served()
}
