package failpoint

import (
	"slices"
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/chaos/network"
	"pipelinedht/tests/harness"
)

// Faults that come upon the copies of one partition at the one moment at which a
// rule of the copy protocol keeps them from doing harm. They need to tell Raft's
// connections from others, and to delay them, so they are for proxies only.

// noneLeads: Raft goes on without the copies.
func noneLeads(leader *cluster.Member, copies []*cluster.Member) bool {
	return !slices.Contains(copies, leader)
}

// canReturn: these faults can be brought about.
func canReturn(c *cluster.Cluster) bool { return c.Wires == cluster.Proxies && len(c.Well()) >= 5 }

// pickDropped picks a partition whose third copy it cuts off until the map has dropped
// it. A fault is upon the copies until recovered is called. nil: there is none, or
// err says what kept the copy from being dropped.
func (s *Scene) pickDropped() (r *row, recovered func(), err error) {
	if r, err = s.pick(noneLeads); r == nil {
		return nil, nil, err
	}
	recovered = r.afflict()
	if err = r.drop(r.copies[2]); err != nil {
		recovered()
		return nil, nil, err
	}
	return r, recovered, nil
}

// cutOffAtReturn has a copy come back behind a slow connection, and cuts the two
// others off as soon as it counts as in sync: it alone is left, and must have all
// that was acknowledged.
type cutOffAtReturn struct{}

func (cutOffAtReturn) Name() string { return "cut two copies off as the third comes back" }
func (cutOffAtReturn) Available(c *cluster.Cluster) bool {
	return canReturn(c)
}
func (cutOffAtReturn) Inject(s *Scene) error {
	r, recovered, err := s.pickDropped()
	if r == nil {
		return err
	}
	defer recovered()
	primary, other, late := r.copies[0], r.copies[1], r.copies[2]
	stop := r.write(primary)
	defer stop()
	err = s.Cluster.Net.Set(network.Rule{Delay: 500 * time.Millisecond, Kinds: network.AllButRaft},
		network.Way{From: primary.Name, To: late.Name})
	if err != nil {
		return err
	}
	if err := r.back(late, primary); err != nil {
		return err
	}
	rest := slices.DeleteFunc(s.Cluster.Members(), func(m *cluster.Member) bool { return m == primary || m == other })
	err = s.Cluster.Net.Set(network.Rule{Cut: true}, network.Both([]string{primary.Name, other.Name}, cluster.Names(rest))...)
	if err != nil {
		return err
	}
	if err := r.awaitServed(r.witness); err != nil {
		return err
	}
	return s.Cluster.Net.Heal()
}

// growUnheard has a copy come back, without its primary hearing so from Raft, and
// cuts it off from the primary then: by the map it is in sync, and may take over.
// So the primary must not acknowledge anything without it.
type growUnheard struct{}

func (growUnheard) Name() string { return "cut a copy off that its primary does not know to be back" }
func (growUnheard) Available(c *cluster.Cluster) bool {
	return canReturn(c)
}
func (growUnheard) Inject(s *Scene) error {
	r, recovered, err := s.pickDropped()
	if r == nil {
		return err
	}
	defer recovered()
	primary, other, late := r.copies[0], r.copies[1], r.copies[2]
	// Raft's leader is still heard by the two, but what is agreed on comes late.
	var toThem []network.Way
	for _, m := range s.Cluster.Members() {
		if m != primary && m != other && m != late {
			toThem = append(toThem, network.Way{From: m.Name, To: primary.Name}, network.Way{From: m.Name, To: other.Name})
		}
	}
	if err := s.Cluster.Net.Set(network.Rule{Delay: 350 * time.Millisecond, Kinds: network.OnlyRaft}, toThem...); err != nil {
		return err
	}
	if err := r.back(late); err != nil {
		return err
	}
	if err := s.Cluster.Net.Set(network.Rule{Hold: true, Kinds: network.OnlyRaft}, toThem...); err != nil {
		return err
	}
	err = s.Cluster.Net.Set(network.Rule{Cut: true}, network.Both([]string{late.Name}, []string{primary.Name, other.Name})...)
	if err != nil {
		return err
	}
	stop := r.write(primary)
	defer stop()
	if err := r.awaitServed(r.witness); err != nil {
		return err
	}
	s.last(2*time.Second, 4*time.Second)
	return s.Cluster.Net.Heal()
}

// drop cuts a copy off until the map has dropped it.
func (r *row) drop(m *cluster.Member) error {
	if err := r.scene.Cluster.Net.Set(network.Rule{Cut: true}, r.scene.around(m)...); err != nil {
		return err
	}
	return r.await(m.Name+" is dropped", func(p *harness.Place) bool { return !p.Has(m.Name) })
}

// back connects a copy again, but for what comes from some that has rules of its
// own, and waits until the map has it in sync.
func (r *row) back(m *cluster.Member, but ...*cluster.Member) error {
	ways := slices.DeleteFunc(r.scene.around(m), func(w network.Way) bool {
		return slices.ContainsFunc(but, func(other *cluster.Member) bool { return w == network.Way{From: other.Name, To: m.Name} })
	})
	if err := r.scene.Cluster.Net.Set(network.Rule{}, ways...); err != nil {
		return err
	}
	return r.await(m.Name+" is back", func(p *harness.Place) bool { return p.Has(m.Name) })
}
