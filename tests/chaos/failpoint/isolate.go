package failpoint

import (
	"fmt"
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/chaos/network"
	"pipelinedht/tests/register"
)

// wired reports whether the network between the nodes can be made to fail.
func wired(c *cluster.Cluster) bool { return c.Net != nil }

// isolateOne cuts a random node off from all others, while clients reach it.
type isolateOne struct{}

func (isolateOne) Name() string                      { return "isolate one" }
func (isolateOne) Available(c *cluster.Cluster) bool { return wired(c) }
func (isolateOne) Inject(s *Scene) error             { return s.isolate(s.any()) }

// isolateLeader cuts off the node that leads Raft.
type isolateLeader struct{}

func (isolateLeader) Name() string                      { return "isolate Raft's leader" }
func (isolateLeader) Available(c *cluster.Cluster) bool { return wired(c) }
func (isolateLeader) Inject(s *Scene) error {
	leader, err := s.Cluster.Leader()
	if err != nil {
		return err
	}
	return s.isolate(leader)
}

// splitMinority cuts a random minority off from the rest, as one group.
type splitMinority struct{}

func (splitMinority) Name() string { return "split off a minority" }
func (splitMinority) Available(c *cluster.Cluster) bool {
	return wired(c) && len(c.Members()) >= 5
}
func (splitMinority) Inject(s *Scene) error {
	members := s.Cluster.Members()
	s.Rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	most := (len(members) - 1) / 2
	return s.isolate(members[:2+s.Rng.IntN(most-1)]...)
}

// isolate cuts the victims, as one group, off from the others: their connections
// are closed, or hang open. Where fewer nodes go than there are copies, others
// answer for their partitions.
func (s *Scene) isolate(victims ...*cluster.Member) error {
	measured := len(victims) < cluster.Replicas
	if measured {
		if err := s.prepare(victims...); err != nil {
			return err
		}
	}
	for _, m := range victims {
		m.Afflict()
		defer m.Recovered()
	}
	others := s.Cluster.Others()
	err := s.Cluster.Net.Set(s.broken(), network.Both(cluster.Names(victims), cluster.Names(others))...)
	if err != nil {
		return err
	}
	if !measured {
		// Those in the majority may wait for copies that are all in the minority.
		for _, m := range others {
			m.Afflict()
			defer m.Recovered()
		}
	}
	if measured {
		s.begin()
	}
	s.last(4*time.Second, 10*time.Second)
	if err := s.Cluster.Net.Heal(); err != nil {
		return err
	}
	return s.served()
}

// readIsolated cuts a primary off, and reads there, while others write elsewhere
// what it leads.
type readIsolated struct{}

func (readIsolated) Name() string                      { return "isolate a primary that is read" }
func (readIsolated) Available(c *cluster.Cluster) bool { return wired(c) }
func (readIsolated) Inject(s *Scene) error {
	r, err := s.pick(func(leader *cluster.Member, copies []*cluster.Member) bool { return leader != copies[0] })
	if r == nil {
		return err
	}
	defer r.afflict()()
	primary := r.copies[0]
	key := r.key("register-row")
	stopWriting := r.again(r.witness, 0, func(n int) register.Input {
		return register.Input{Kind: register.Write, Key: key, Value: fmt.Sprint(n, " of ", r.mark)}
	})
	defer stopWriting()
	stopReading := r.again(primary, 1, func(int) register.Input { return register.Input{Kind: register.Read, Key: key} })
	defer stopReading()
	s.last(0, 300*time.Millisecond)
	if err := s.Cluster.Net.Set(s.broken(), s.around(primary)...); err != nil {
		return err
	}
	s.last(3*time.Second, 5*time.Second)
	return s.Cluster.Net.Heal()
}

// broken is a random way for connections not to work.
func (s *Scene) broken() network.Rule {
	if s.Rng.IntN(2) == 0 {
		return network.Rule{Cut: true}
	}
	return network.Rule{Hold: true}
}
