package failpoint

import (
	"time"

	"pipelinedht/tests/chaos/cluster"
)

// freezeAll stops every process at about the same time, as a machine does that
// is suspended, and has them go on in random order.
type freezeAll struct{}

func (freezeAll) Name() string                    { return "freeze all at once" }
func (freezeAll) Available(*cluster.Cluster) bool { return true }
func (freezeAll) Inject(s *Scene) error {
	all := s.Cluster.Members()
	for _, i := range s.Rng.Perm(len(all)) {
		all[i].Afflict()
		defer all[i].Recovered()
		if err := all[i].Freeze(); err != nil {
			return err
		}
	}
	s.last(500*time.Millisecond, 6*time.Second)
	for _, i := range s.Rng.Perm(len(all)) {
		if err := all[i].Thaw(); err != nil {
			return err
		}
		s.last(0, 300*time.Millisecond)
	}
	return nil
}

// killMost kills a majority, so that for a while nobody can change the map.
type killMost struct{}

func (killMost) Name() string                      { return "kill a majority" }
func (killMost) Available(c *cluster.Cluster) bool { return c.Durable }
func (killMost) Inject(s *Scene) error {
	all := s.Cluster.Members()
	s.Rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, m := range all {
		// Those that live wait for the dead.
		m.Afflict()
		defer m.Recovered()
	}
	victims := all[:len(all)/2+1]
	s.Cluster.Kill(victims...)
	s.last(0, 4*time.Second)
	return s.Cluster.Restart(s.Rng, victims...)
}

// crashLoop kills one node again and again, soon after each start.
type crashLoop struct{}

func (crashLoop) Name() string                      { return "kill one again and again" }
func (crashLoop) Available(c *cluster.Cluster) bool { return c.Durable }
func (crashLoop) Inject(s *Scene) error {
	const crashes = 4
	victim := s.any()
	for range crashes {
		s.Cluster.Kill(victim)
		s.last(0, 300*time.Millisecond)
		if err := s.Cluster.Launch(victim); err != nil {
			return err
		}
		s.last(0, 2*time.Second)
	}
	s.Cluster.Kill(victim)
	return s.Cluster.Restart(s.Rng, victim)
}

// killOneFreezeAnother kills one node while another one is frozen.
type killOneFreezeAnother struct{}

func (killOneFreezeAnother) Name() string                      { return "kill one while another is frozen" }
func (killOneFreezeAnother) Available(c *cluster.Cluster) bool { return len(c.Members()) >= 5 }
func (killOneFreezeAnother) Inject(s *Scene) error {
	dead, frozen := s.pair()
	frozen.Afflict()
	defer frozen.Recovered()
	if err := frozen.Freeze(); err != nil {
		return err
	}
	s.last(0, 3*time.Second)
	s.Cluster.Kill(dead)
	s.last(0, 4*time.Second)
	if err := frozen.Thaw(); err != nil {
		return err
	}
	return s.Cluster.Restart(s.Rng, dead)
}

// killOneCutAnother kills one node while another one is cut off.
type killOneCutAnother struct{}

func (killOneCutAnother) Name() string { return "kill one while another is cut off" }
func (killOneCutAnother) Available(c *cluster.Cluster) bool {
	return wired(c) && len(c.Members()) >= 5
}
func (killOneCutAnother) Inject(s *Scene) error {
	dead, lonely := s.pair()
	lonely.Afflict()
	defer lonely.Recovered()
	if err := s.Cluster.Net.Set(s.broken(), s.around(lonely)...); err != nil {
		return err
	}
	s.last(0, 3*time.Second)
	s.Cluster.Kill(dead)
	s.last(0, 4*time.Second)
	if err := s.Cluster.Net.Heal(); err != nil {
		return err
	}
	return s.Cluster.Restart(s.Rng, dead)
}
