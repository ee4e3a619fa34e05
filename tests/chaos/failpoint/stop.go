package failpoint

import (
	"time"

	"pipelinedht/tests/chaos/cluster"
)

// stopOne stops a random node with SIGTERM and starts it again.
type stopOne struct{}

func (stopOne) Name() string                    { return "stop one (SIGTERM)" }
func (stopOne) Available(*cluster.Cluster) bool { return true }
func (stopOne) Inject(s *Scene) error {
	victim := s.any()
	if err := s.prepare(victim); err != nil {
		return err
	}
	s.begin()
	if err := s.Cluster.Stop(victim); err != nil {
		return err
	}
	if err := s.served(); err != nil {
		return err
	}
	s.last(0, 4*time.Second)
	return s.Cluster.Restart(s.Rng, victim)
}

// rollingRestart stops and starts one node after another, each when the one
// before is ready.
type rollingRestart struct{}

func (rollingRestart) Name() string                      { return "rolling restart (SIGTERM)" }
func (rollingRestart) Available(c *cluster.Cluster) bool { return c.Durable }
func (rollingRestart) Inject(s *Scene) error {
	for _, m := range s.Cluster.Members() {
		if err := s.Cluster.Stop(m); err != nil {
			return err
		}
		if err := s.Cluster.Restart(s.Rng, m); err != nil {
			return err
		}
	}
	return nil
}
