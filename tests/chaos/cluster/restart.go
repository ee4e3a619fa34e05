package cluster

import (
	"math/rand/v2"
	"slices"
)

// Kill ends the nodes as kill -9 does.
func (c *Cluster) Kill(nodes ...*Member) {
	for _, m := range nodes {
		m.Afflict()
		m.Node.Kill()
		m.gone()
	}
}

// Stop ends a node with SIGTERM, and returns when it has ended.
func (c *Cluster) Stop(m *Member) error {
	m.Afflict()
	err := m.Node.Stop()
	m.gone()
	return err
}

// Launch starts the process of a node again, and waits for nothing.
func (c *Cluster) Launch(m *Member) error {
	m.Node.Launch(m.Port)
	return m.connect()
}

// Restart starts nodes again that have ended, in random order and all at once,
// and returns when each is a member and ready. One without a data directory comes
// back empty: it joins anew, under its name, and takes its dead namesake's place.
func (c *Cluster) Restart(rng *rand.Rand, nodes ...*Member) error {
	if !c.Durable {
		// What it answers before it has joined is not of this cluster.
		for _, m := range nodes {
			m.withdraw()
		}
	}
	for _, i := range rng.Perm(len(nodes)) {
		if err := c.Launch(nodes[i]); err != nil {
			return err
		}
	}
	for _, m := range nodes {
		if err := m.WaitReady(readyWithin); err != nil {
			return err
		}
		if !c.Durable {
			if err := c.join(m); err != nil {
				return err
			}
			if slices.Contains(c.members, m) {
				m.admit()
			}
		}
		m.Recovered()
	}
	return nil
}
