package node

import (
	"context"
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

// errRemoved says that the cluster has removed this node.
var errRemoved = fmt.Errorf("%w: %s", partition.ErrUnavailable, removedText)

// watchMembership watches, until the life ends, for its removal from the
// cluster, and then bars the gate, unless the node is leaving.
func (n *Node) watchMembership(l *life) {
	l.watch.Do(func() {
		l.wg.Add(1)
		go func() {
			defer l.wg.Done()
			if l.awaitRemoval() != nil {
				return
			}
			if n.stored().Leave == nil {
				n.log.Error("removed from the cluster", "cluster", l.record.Cluster)
				n.gate.bar(removedText)
			}
			close(l.gone)
		}()
	})
}

// awaitRemoval returns nil once the life's node is known to be no peer any more,
// by its own map or, where it has not heard a leader for long, by a peer's word;
// an error when the life ends. While there is no leader it looks for the peers.
func (l *life) awaitRemoval() error {
	raft := l.raft.Load()
	for {
		changed := raft.Watch()
		_, led := raft.Leader()
		if (!led || !l.member()) && l.dropped(l.ctx) {
			return nil
		}
		if !led {
			l.askAround(l.ctx)
		}
		select {
		case <-changed:
		case <-time.After(doubtAfter):
		case <-l.ctx.Done():
			return l.ctx.Err()
		}
	}
}

// whileMember returns a context that ends with ctx, and, with errRemoved as its
// cause, once the node is known to be no peer any more.
func (l *life) whileMember(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	l.wg.Add(1)
	go func() {
		defer l.wg.Done()
		select {
		case <-l.gone:
			cancel(errRemoved)
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

// isGone reports whether the node is known to be no peer any more.
func (l *life) isGone() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

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

// awaitGone serves on until the node is no peer any more, by its own map or by
// another peer's word.
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
