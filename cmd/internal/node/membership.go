package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pipelinedht/partition"
)

// doubtAfter is how long a life may be without a leader before it asks other
// peers whether it is still one of them.
const doubtAfter = 2 * time.Second

// askTimeout is how long one peer has to say whether another is a peer.
const askTimeout = time.Second

// removedText is what requests are told by a node that its cluster has removed.
const removedText = "this node was removed from its cluster while it was away; its data are kept: " +
	"POST /dht/leave makes it stand alone with them, or start it with an empty data directory"

// recoveredText is what requests are told by a node whose cluster was given up for
// dead while it was away, and lives on without it under another id.
const recoveredText = "this node's cluster was recovered without it, under a new id, while it was away; its data are kept: " +
	"stop it, run dht raft recover on its data directory, start it and have it join; or start it with an empty one"

// Why a node has no place in its cluster any more.
var (
	errRemoved   = fmt.Errorf("%w: %s", partition.ErrUnavailable, removedText)
	errRecovered = fmt.Errorf("%w: %s", partition.ErrUnavailable, recoveredText)
)

// watchMembership watches, until the life ends, for the end of its membership in the
// cluster, and then bars the gate, unless the node is leaving.
func (n *Node) watchMembership(l *life) {
	l.watch.Do(func() {
		l.wg.Add(1)
		go func() {
			defer l.wg.Done()
			why := l.awaitEnd()
			if l.ctx.Err() != nil {
				return
			}
			if errors.Is(why, errRecovered) {
				n.log.Error("cluster recovered without this node", "cluster", l.record.Cluster)
				n.gate.bar(recoveredText)
			} else if n.stored().Leave == nil {
				n.log.Error("removed from the cluster", "cluster", l.record.Cluster)
				n.gate.bar(removedText)
			}
			l.why = why
			close(l.gone)
			if errors.Is(why, errRecovered) {
				n.retire(l)
			}
		}()
	})
}

// awaitEnd returns errRemoved once the life's node is known to be no peer any more,
// by its own map or, where it has not heard a leader for long, by a peer's word, and
// errRecovered once a node of a recovered cluster has said so; any other error when
// the life ends. While there is no leader it looks for the peers.
func (l *life) awaitEnd() error {
	raft := l.raft.Load()
	for {
		changed := raft.Watch()
		_, led := raft.Leader()
		// First, before a leader can be chosen: see retire.
		if !led && l.askAround(l.ctx) {
			return errRecovered
		}
		if (!led || !l.member()) && l.dropped(l.ctx) {
			return errRemoved
		}
		select {
		case <-changed:
		case <-time.After(doubtAfter):
		case <-l.ctx.Done():
			return l.ctx.Err()
		}
	}
}

// retire has a life take no part any more in a cluster that was given up: together
// with others that return it might bring that back, beside the recovered one.
func (n *Node) retire(l *life) {
	if h := l.host.Load(); h != nil {
		if err := h.Close(); err != nil {
			n.log.Warn("stop the copies", "error", err)
		}
	}
	if err := l.raft.Load().Close(); err != nil {
		n.log.Warn("stop Raft", "error", err)
	}
}

// whileMember returns a context that ends with ctx, and, with errRemoved or
// errRecovered as its cause, once the node has no place in the cluster any more.
func (l *life) whileMember(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	l.wg.Add(1)
	go func() {
		defer l.wg.Done()
		select {
		case <-l.gone:
			cancel(l.why)
		case <-l.ctx.Done():
			cancel(errClosed)
		case <-stop:
		}
	}()
	return ctx, func() {
		close(stop)
		cancel(nil)
	}
}

// isGone reports whether the node is known to have no place in the cluster any more.
func (l *life) isGone() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// isRecovered reports whether the cluster is known to have been given up for dead.
func (l *life) isRecovered() bool { return l.isGone() && errors.Is(l.why, errRecovered) }

// up reports whether the life's own map has its present incarnation as a peer.
func (l *life) up() bool {
	m := l.raft.Load().Map()
	if m == nil {
		return false
	}
	self, ok := m.Peer(l.record.Node)
	return ok && self.Incarnation == l.record.Incarnation
}

// member reports whether the life's own map has it as a peer.
func (l *life) member() bool {
	m := l.raft.Load().Map()
	if m == nil {
		return false
	}
	_, ok := m.Peer(l.record.Node)
	return ok
}

// staysIn reports whether the map has the node as a peer that does not leave.
func staysIn(m *partition.Map, node partition.NodeID) bool {
	p, ok := m.Peer(node)
	return ok && p.State != partition.Leaving
}

// keeps is host.Config.Keep. A leaver's own copies stay, and all copies of a node
// that is removed without having asked for it: it may have been given up with what
// it alone has, and is told that its data are kept.
func (l *life) keeps(p partition.ID) bool {
	if own := l.cfg.keep.Load(); own != nil {
		return (*own)[p]
	}
	return !staysIn(l.raft.Load().Map(), l.record.Node)
}

// awaitGone serves on until the node is no peer any more, by its own map or by
// another peer's word; or until the cluster was given up, which is an error.
func (l *life) awaitGone(ctx context.Context) error {
	tick := time.NewTicker(goneInterval)
	defer tick.Stop()
	raft := l.raft.Load()
	for {
		changed := raft.Watch()
		if raft.Map() != nil && !l.member() {
			return nil
		}
		select {
		case <-changed:
		case <-l.gone:
			if l.isRecovered() {
				return l.why
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if l.dropped(ctx) {
				return nil
			}
		}
	}
}

// dropped reports whether the life's node was a peer and is none any more, by its
// own map or the word of any peer: of one in the address book while the node has
// no map, which Raft may never tell it again.
func (l *life) dropped(ctx context.Context) bool {
	raft := l.raft.Load()
	if _, dropped := raft.Dropped(ctx); dropped {
		return true
	}
	if raft.Map() != nil {
		return false
	}
	for _, p := range l.others() {
		one, cancel := context.WithTimeout(ctx, askTimeout)
		standing, err := raft.Ask(one, p.ID, l.record.Node)
		cancel()
		if err == nil && standing.Gone {
			return true
		}
	}
	return false
}
