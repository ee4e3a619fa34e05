package cluster

import (
	"fmt"
	"slices"

	"pipelinedht/tests/harness"
)

// Newcomer starts one more node, which stands alone.
func (c *Cluster) Newcomer() *Member {
	c.t.Helper()
	return c.launch()
}

// Join has a node that stands alone become a member, which clients may ask. It
// asks until the node is one: what was cut off before, or clashes with another
// change, is to be asked for again.
func (c *Cluster) Join(m *Member) error {
	if err := c.join(m); err != nil {
		return err
	}
	c.enter(m)
	return nil
}

// enter makes a node that has joined a member that clients may ask.
func (c *Cluster) enter(m *Member) {
	c.members = append(c.members, m)
	m.admit()
	if c.Joined != nil {
		c.Joined(m)
	}
}

// Change has nodes join and withdrawn members leave, all at once.
func (c *Cluster) Change(joiners, leavers []*Member) error {
	var changes []func() error
	for _, m := range joiners {
		changes = append(changes, func() error { return c.join(m) })
	}
	for _, m := range leavers {
		changes = append(changes, func() error { return c.Leave(m) })
	}
	err := harness.Together(changes, func(change func() error) error { return change() })
	if err != nil {
		return err
	}
	for _, m := range joiners {
		c.enter(m)
	}
	return nil
}

// join is Join without the consequences here.
func (c *Cluster) join(m *Member) error {
	err := harness.PollEvery(askAgainEvery, changeWithin, func() error {
		var contacts []string
		for _, other := range c.Others(m) {
			contacts = append(contacts, other.Contact())
		}
		return m.Node.Join(contacts...)
	})
	if err != nil {
		return fmt.Errorf("%s joins: %w", m.Name, err)
	}
	return nil
}

// Withdraw keeps clients from a member that is about to leave, and returns when
// those that wait for it have their answers: what it answers when it is no member
// any more tells nothing about the cluster.
func (c *Cluster) Withdraw(m *Member) {
	m.withdraw()
	c.members = slices.DeleteFunc(c.members, func(other *Member) bool { return other == m })
}

// Leave has a withdrawn member leave. It asks until the node stands alone.
func (c *Cluster) Leave(m *Member) error {
	err := harness.PollEvery(askAgainEvery, changeWithin, m.Node.Leave)
	if err != nil {
		return fmt.Errorf("%s leaves: %w", m.Name, err)
	}
	return nil
}
