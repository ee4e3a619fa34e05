package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"time"
)

const (
	stopWithin   = time.Minute // a process, after SIGTERM
	settleWithin = time.Minute
	settlePoll   = 50 * time.Millisecond
)

// stop asks the process to end, and waits until it has.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	select {
	case <-p.drained:
	case <-timer.C:
		return fmt.Errorf("%s still runs %v after SIGTERM", p.address, stopWithin)
	}
	p.log.Close()
	return p.cmd.Wait()
}

// revive starts nodes that have ended, with their data, and waits until all is as it
// was.
func (c *cluster) revive(ctx context.Context, ended ...int) error {
	for _, at := range ended {
		p, err := c.launch(ctx, at)
		if err != nil {
			return err
		}
		c.nodes[at] = p
	}
	for deadline := time.Now().Add(settleWithin); ; {
		err := c.unsettled(ctx)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(settlePoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unsettled says which node does not show a settled cluster.
func (c *cluster) unsettled(ctx context.Context) error {
	for _, n := range c.nodes {
		status, err := n.status(ctx)
		if err != nil {
			return err
		}
		if !status.Settled {
			return errors.New(n.address + " shows a cluster that is not settled")
		}
		for _, p := range status.Peers {
			if p.State != "active" {
				return fmt.Errorf("%s shows a peer that is %s", n.address, p.State)
			}
		}
	}
	return nil
}

// clusterStatus is the cluster as a node's map has it.
type clusterStatus struct {
	Settled bool
	Peers   []struct{ State string }
}

func (p *process) status(ctx context.Context) (s clusterStatus, err error) {
	text, err := ask(ctx, http.MethodGet, p.address, "/dht/status", nil)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// noticed says whether a node does not see yet that another one has gone.
func (p *process) noticed(ctx context.Context) error {
	s, err := p.status(ctx)
	if err != nil {
		return err
	}
	for _, peer := range s.Peers {
		if peer.State != "active" {
			return nil
		}
	}
	return errors.New(p.address + " shows all peers as active")
}
