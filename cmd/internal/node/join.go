package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pipelinedht/fsm"
	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

// joinPause is about how long a join waits that met a cluster on the move.
const joinPause = 200 * time.Millisecond

// followPatience is how long a node that others have joined meanwhile waits for
// its target to join them too, beyond the time for which it stays in a ring, before it
// leaves them.
const followPatience = 5 * time.Second

// errMoving says that the target, or this node's own cluster, has changed so that
// the join must look at it anew. Nothing else has happened.
var errMoving = errors.New("the cluster to join is on the move")

// errJoinStuck: what was said under the new id, before a crash, cannot be found out.
var errJoinStuck = errors.New("go on with the join of another cluster, which may count on this node already (dht raft recover gives the join up)")

// Join leaves the present cluster, if there are others in it, and joins the one
// that the first usable contact belongs to.
func (n *Node) Join(asked context.Context, contacts []httpapi.Contact) (httpapi.JoinReport, error) {
	var report httpapi.JoinReport
	l := n.life()
	j := joining{contacts: contacts, since: time.Now(), alone: standalone(l.raft.Load().Map(), l)}
	err := n.change(asked, func(ctx, asked context.Context) (err error) {
		report, err = n.join(ctx, asked, &j)
		return err
	})
	if err != nil {
		return httpapi.JoinReport{}, err
	}
	return report, nil
}

// joining is one join, over all its tries.
type joining struct {
	contacts []httpapi.Contact
	since    time.Time // when it began, or later when the node was last seen to stay in a ring
	alone    bool      // the node stood alone when it was asked
	left     bool      // the node has left a cluster for this join
}

// join is Join for who holds the turn.
func (n *Node) join(ctx, asked context.Context, j *joining) (httpapi.JoinReport, error) {
	switch err := n.arrive(ctx, asked, j); {
	case errors.Is(err, errMember):
		return httpapi.JoinReport{AlreadyMember: true}, nil
	case err != nil && j.left:
		return httpapi.JoinReport{}, fmt.Errorf("%w; this node has left its former cluster and stands alone", err)
	case err != nil:
		return httpapi.JoinReport{}, err
	}
	return n.finishJoin(ctx)
}

// arrive repeats what one try does while clusters are on the move: of nodes that
// join one another, one has to wait for the other.
func (n *Node) arrive(ctx, asked context.Context, j *joining) error {
	n.course.Store(&course{begun: time.Now()})
	defer n.course.Store(nil)
	patience, cancel := both(ctx, asked)
	defer cancel()
	for {
		t, err := n.prepare(ctx, patience, j)
		if err == nil {
			err = n.tryJoin(ctx, n.life(), t)
		}
		if !errors.Is(err, errMoving) {
			return err
		}
		if pause(patience, joinPause) != nil {
			return fmt.Errorf("%w: %w", partition.ErrUnavailable, err)
		}
	}
}

// prepare finds the cluster to join and leaves the present one, if there are
// others in it. Others that came while this node was about to go are not left at
// once: it may be that the target is about to follow them.
func (n *Node) prepare(ctx, patience context.Context, j *joining) (*target, error) {
	l := n.life()
	if n.stored().Import != nil && standalone(l.raft.Load().Map(), l) {
		// What an earlier join brought is to be in before the next one begins, whose
		// stamp is taken by the survey: what is written here meanwhile is no older.
		if _, err := n.finishJoin(ctx); err != nil {
			return nil, err
		}
	}
	t, err := n.survey(patience, l, j.contacts)
	if err != nil {
		return nil, err
	}
	stays := l.stays(patience, t)
	n.course.Store(&course{toward: t.address(), stays: stays})
	if stays {
		j.since = time.Now()
	}
	alone := standalone(l.raft.Load().Map(), l)
	switch {
	case !alone && j.alone && time.Since(j.since) < followPatience:
		return nil, errMoving
	case !alone:
		err := n.leave(ctx, patience)
		if errors.Is(err, fsm.ErrLastPeer) && l.expects() {
			return nil, errMoving
		}
		if err != nil {
			return nil, fmt.Errorf("leave the present cluster first: %w", err)
		}
		j.left = true
		return nil, errMoving // and may be another by now
	case t.Departing:
		return nil, errMoving
	}
	return t, nil
}

// expects reports whether a peer is on its way into the cluster: it was added and has
// not shown itself yet. It comes, which may take a while, or is dropped again.
func (l *life) expects() bool {
	m := l.raft.Load().Map()
	return m != nil && slices.ContainsFunc(m.Peers, func(p partition.Peer) bool {
		return p.ID != l.record.Node && p.Importing && p.Incarnation == 1 && p.State != partition.Leaving &&
			!slices.ContainsFunc(m.Table, func(r partition.Row) bool { return slices.Contains(r.InSync, p.ID) })
	})
}

// tryJoin takes the standalone node from its life old to one in the target's
// cluster, or leaves everything as it was.
func (n *Node) tryJoin(ctx context.Context, old *life, t *target) error {
	intent := joinIntent{
		ID:       randomID(),
		Name:     n.cfg.Name,
		Address:  n.address,
		Stamp:    t.Stamp,
		Contacts: t.addresses,
		Life: lifeRecord{
			Generation:  n.stored().Latest + 1,
			Node:        partition.NodeID(randomID()),
			Cluster:     t.Cluster,
			Incarnation: 1,
			Settings:    t.Settings,
		},
	}
	switch err := old.raft.Load().Departing(ctx, intent.ID); {
	case errors.Is(err, fsm.ErrNotAlone), errors.Is(err, fsm.ErrDeparting):
		return errMoving
	case err != nil:
		return fmt.Errorf("bar others from joining this node: %w", err)
	}
	err := n.commit(func(s *state) {
		s.Join = &intent
		s.Latest = intent.Life.Generation
	})
	if err != nil {
		return err
	}
	return n.carryOut(ctx, old, intent)
}

// resumeJoin goes on with a join that a crash interrupted.
func (n *Node) resumeJoin(ctx context.Context, old *life, intent joinIntent) (httpapi.JoinReport, error) {
	if err := n.carryOut(ctx, old, intent); err != nil {
		return httpapi.JoinReport{}, fmt.Errorf("go on with the join: %w", err)
	}
	return n.finishJoin(ctx)
}

// carryOut does what the stored intent says. Requests wait until it is known
// which life they are for.
func (n *Node) carryOut(ctx context.Context, old *life, intent joinIntent) error {
	n.shut(ctx, "the node is joining another cluster")
	known, err := n.hasRaft(intent.Life.Generation)
	if err != nil {
		n.fail(err)
		return err
	}
	fresh, err := n.openLife(intent.Life)
	switch {
	case err != nil && known:
		err = fmt.Errorf("%w: %w", errJoinStuck, err)
		n.fail(err)
		return err
	case err != nil:
		return n.stay(ctx, old, nil, intent, err)
	}
	if err := n.admission(ctx, old, fresh, intent); err != nil {
		if ctx.Err() != nil {
			return errClosed // resumed at the next start
		}
		return n.stay(ctx, old, fresh, intent, err)
	}
	return n.switchLives(ctx, old, fresh, intent)
}

// stay goes back to the life old, for the reason why. fresh is nil where it did
// not come to be.
func (n *Node) stay(ctx context.Context, old, fresh *life, intent joinIntent, why error) error {
	if fresh != nil {
		if err := n.closeLife(fresh); err != nil {
			n.log.Warn("stay alone", "error", err)
		}
	}
	if err := n.commit(func(s *state) { s.Join = nil }); err != nil {
		return err
	}
	n.discardRaft(intent.Life.Generation)
	n.gate.open(old)
	if err := old.raft.Load().Stay(ctx, intent.ID); err != nil {
		n.log.Warn("let others join this node again", "error", err)
	}
	return why
}

// switchLives makes fresh, which has seen itself in its cluster's map, the
// node's life, and leaves old's copies to be imported.
func (n *Node) switchLives(ctx context.Context, old, fresh *life, intent joinIntent) error {
	imports := importIntent{
		From:       old.record.Generation,
		Partitions: old.raft.Load().Map().Settings.Partitions,
		Stamp:      intent.Stamp,
		Into:       intent.Life.Cluster,
		Marked:     true,
		Deletes:    old.record.Founder != nil && old.record.Founder.Halfway == intent.Life.Cluster,
	}
	err := n.commit(func(s *state) {
		s.Life = intent.Life
		s.Life.Risen = true
		s.Join = nil
		s.Import = &imports
	}, fresh.book.take(fresh.raft.Load().Map().Peers))
	if err != nil {
		return err
	}
	n.setCurrent(fresh)
	// First, for a write that was stuck in it may be what is imported.
	if err := n.closeLife(old); err != nil {
		n.log.Warn("join", "error", err)
	}
	if err := n.loadImport(n.stored()); err != nil {
		n.fail(err)
		return err
	}
	return n.rise(ctx, fresh)
}
