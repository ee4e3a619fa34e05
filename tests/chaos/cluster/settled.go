package cluster

import (
	"fmt"
	"time"

	"pipelinedht/tests/harness"
)

const (
	// settleWithin bounds how long a cluster may take to get over a fault.
	settleWithin = 120 * time.Second
	askEvery     = 200 * time.Millisecond
	// mostVoters is how many nodes vote in Raft, of many.
	mostVoters = 5
)

// AwaitSettled waits until the cluster is as safe as it gets, and returns how long
// that took: every member shows the same settled map, of exactly the members, all
// active; and so many vote in Raft that it survives what it should.
func (c *Cluster) AwaitSettled() (time.Duration, error) {
	begun := time.Now()
	err := harness.PollEvery(askEvery, settleWithin, c.settled)
	if err != nil {
		err = fmt.Errorf("the cluster does not settle: %w", err)
	}
	return time.Since(begun), err
}

func (c *Cluster) settled() error {
	nodes := make([]*harness.Node, len(c.members))
	for i, m := range c.members {
		nodes[i] = m.Node
	}
	ring, err := harness.SettledRing(nodes)
	if err != nil {
		return err
	}
	for _, p := range ring.Peers {
		if p.State != "active" {
			return fmt.Errorf("ring version %d: %s is %s", ring.Version, p.Name, p.State)
		}
	}
	raft, err := nodes[0].RaftStatus()
	if err != nil {
		return err
	}
	want := min(len(nodes), mostVoters)
	if want > 2 && want%2 == 0 {
		want--
	}
	if len(raft.Voters) != want {
		return fmt.Errorf("%d nodes vote in Raft, want %d", len(raft.Voters), want)
	}
	return nil
}
