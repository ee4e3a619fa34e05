package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pipelinedht/fsm"
	"pipelinedht/httpapi"
)

// joinRetry is the pause between the tries of a join that was asked for at the
// start.
const joinRetry = 2 * time.Second

// resume brings the node up after its start, and to an end what it was about
// when it stopped. It holds the turn.
func (n *Node) resume(ctx context.Context) {
	release := func() { <-n.turn }
	defer func() { release() }()
	l, s := n.life(), n.stored()
	if err := n.loadImport(s); err != nil {
		n.fail(err)
		return
	}
	var err error
	switch {
	case s.Join != nil:
		if err = n.riseBehind(ctx, l); err == nil {
			_, err = n.resumeJoin(ctx, l, *s.Join)
		}
	case s.Leave != nil:
		if err = n.rise(ctx, l); err == nil || errors.Is(err, errRemoved) {
			err = n.finishLeave(ctx, ctx, l)
		}
	default:
		if err = n.rise(ctx, l); err == nil {
			err = l.forgetDeparture(ctx)
		}
	}
	if err == nil && n.stored().Import != nil {
		_, err = n.finishJoin(ctx)
	}
	if err != nil {
		n.log.Warn("go on after the start", "error", err)
	}
	// A node that comes back as a peer of a cluster stays there, whoever it was
	// told to join when it was new.
	l = n.life()
	if len(n.cfg.Join) > 0 && n.Ready() == nil && standalone(l.raft.Load().Map(), l) {
		release()
		release = func() {}
		n.joinAtStart(ctx)
	}
}

// rise takes a life from its opening to where requests are let in: with its
// copies running and its present incarnation in the map. It returns errRemoved
// for a life that is over.
func (n *Node) rise(ctx context.Context, l *life) error {
	if err := n.riseBehind(ctx, l); err != nil {
		return err
	}
	n.endImport(l)
	n.gate.open(l)
	n.log.Info("serving", "address", n.address, "cluster", l.record.Cluster, "node", l.record.Node)
	return nil
}

// riseBehind is rise with the gate as it is.
func (n *Node) riseBehind(ctx context.Context, l *life) error {
	n.watchMembership(l)
	up, cancel := l.whileMember(ctx)
	defer cancel()
	err := l.serve(up)
	if err == nil {
		err = l.raft.Load().Up(up)
	}
	switch {
	case err == nil:
	case errors.Is(err, fsm.ErrUnknownPeer), errors.Is(err, fsm.ErrClosed):
		<-up.Done() // the watch takes notice
		return context.Cause(up)
	case ctx.Err() != nil:
		return ctx.Err()
	case context.Cause(up) != nil:
		return context.Cause(up)
	default:
		n.fail(fmt.Errorf("come up in cluster %s: %w", l.record.Cluster, err))
		return err
	}
	if n.stored().Life.Risen {
		return nil
	}
	return n.commit(func(s *state) { s.Life.Risen = true })
}

// forgetDeparture lets others join a standalone node again whose own join a crash
// ended before it began.
func (l *life) forgetDeparture(ctx context.Context) error {
	m := l.raft.Load().Map()
	if m.Departing == 0 {
		return nil
	}
	if err := l.raft.Load().Stay(ctx, m.Departing); err != nil {
		return fmt.Errorf("let others join this node again: %w", err)
	}
	return nil
}

// joinAtStart joins as the command line asks, again and again while nobody is
// there to be joined.
func (n *Node) joinAtStart(ctx context.Context) {
	for {
		report, err := n.Join(ctx, n.cfg.Join)
		switch {
		case err == nil:
			n.log.Info("joined", "already_member", report.AlreadyMember, "imported", report.Imported, "lost", report.Lost)
			return
		case errors.Is(err, httpapi.ErrConflict), errors.Is(err, errSelfJoin):
			n.log.Error("join refused for good; the node stands alone", "error", err)
			return
		}
		n.log.Warn("join; trying again", "error", err)
		select {
		case <-time.After(joinRetry):
		case <-ctx.Done():
			return
		}
	}
}
