package failpoint

import (
	"time"

	"pipelinedht/tests/chaos/cluster"
)

// cutWithin bounds the random moment of a kill after a join or leave began.
const cutWithin = 400 * time.Millisecond

// cutJoin has a newcomer join, and kills somebody in the middle of it. Afterwards
// the join works, if it has not.
type cutJoin struct {
	name   string
	victim func(s *Scene, joiner, contact *cluster.Member) (*cluster.Member, error)
}

func (c cutJoin) Name() string                  { return c.name }
func (cutJoin) Available(*cluster.Cluster) bool { return true }
func (c cutJoin) Inject(s *Scene) error {
	joiner, contact := s.Cluster.Newcomer(), s.any()
	if s.Cluster.Durable {
		// One without a data directory may die with what it alone has.
		if err := s.give(joiner); err != nil {
			return err
		}
	}
	victim, err := c.victim(s, joiner, contact)
	if err != nil {
		return err
	}
	client := joiner.Client
	if err := s.cut(func() error { return client.Join(contact.Contact()) }, victim); err != nil {
		return err
	}
	if err := s.Cluster.Join(joiner); err != nil {
		return err
	}
	leaver := s.any()
	s.Cluster.Withdraw(leaver)
	return s.farewell(leaver)
}

// cutLeave has a member leave, and kills somebody in the middle of it. Afterwards
// the leave works, if it has not, and the member comes back. Where the dead come
// back empty, enough must be left that they are no majority.
type cutLeave struct {
	name   string
	victim func(s *Scene, leaver *cluster.Member) (*cluster.Member, error)
}

func (c cutLeave) Name() string                    { return c.name }
func (cutLeave) Available(c *cluster.Cluster) bool { return c.Durable || len(c.Members()) >= 5 }
func (c cutLeave) Inject(s *Scene) error {
	leaver := s.any()
	s.Cluster.Withdraw(leaver)
	victim, err := c.victim(s, leaver)
	if err != nil {
		return err
	}
	client := leaver.Client
	if err := s.cut(client.Leave, victim); err != nil {
		return err
	}
	if victim == leaver && !s.Cluster.Durable {
		return s.Cluster.Join(leaver) // it came back empty, and is a member again
	}
	return s.leaveAndReturn(leaver)
}

// cut begins a request, kills the victim after a while and starts it again, and
// waits for the request to end, as it may.
func (s *Scene) cut(request func() error, victim *cluster.Member) error {
	ended := make(chan error, 1)
	go func() { ended <- request() }()
	s.last(0, cutWithin)
	s.Cluster.Kill(victim)
	s.last(0, time.Second)
	err := s.Cluster.Restart(s.Rng, victim)
	s.Log("%s was killed; the request that was cut: %v", victim.Name, <-ended)
	return err
}

var cutChanges = []Failpoint{
	cutJoin{"kill the joiner in the middle", func(_ *Scene, joiner, _ *cluster.Member) (*cluster.Member, error) {
		return joiner, nil
	}},
	cutJoin{"kill the joiner's contact in the middle", func(_ *Scene, _, contact *cluster.Member) (*cluster.Member, error) {
		return contact, nil
	}},
	cutJoin{"kill Raft's leader in the middle of a join", func(s *Scene, _, _ *cluster.Member) (*cluster.Member, error) {
		return s.Cluster.Leader()
	}},
	cutLeave{"kill the leaver in the middle", func(_ *Scene, leaver *cluster.Member) (*cluster.Member, error) {
		return leaver, nil
	}},
	cutLeave{"kill another in the middle of a leave", func(s *Scene, _ *cluster.Member) (*cluster.Member, error) {
		return s.any(), nil
	}},
	cutLeave{"kill Raft's leader in the middle of a leave", func(s *Scene, leaver *cluster.Member) (*cluster.Member, error) {
		if leads, err := leaver.Leads(); err != nil || leads {
			return leaver, err
		}
		return s.Cluster.Leader()
	}},
}
