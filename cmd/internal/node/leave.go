package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pipelinedht/fsm"
	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

const (
	// goneInterval is how often a leaver asks whether it has been dropped.
	goneInterval = 200 * time.Millisecond
	// outTimeout is how long a leaver that was dropped from the map stays to be
	// removed from Raft's configuration too.
	outTimeout = 30 * time.Second
)

// Leave leaves the present cluster; it returns once the others are stable and
// this node stands alone.
func (n *Node) Leave(asked context.Context) error { return n.change(asked, n.leave) }

// leave is Leave for who holds the turn. When asked ends before the cluster has
// agreed, nothing changes.
func (n *Node) leave(ctx, asked context.Context) error {
	l := n.life()
	m := l.raft.Load().Map()
	switch {
	case standalone(m, l):
		return nil
	case l.isRecovered():
		return fmt.Errorf("%w: %s", httpapi.ErrConflict, recoveredText)
	}
	keep, err := n.ownPartitions(l, m)
	if err != nil {
		return err
	}
	intent := leaveIntent{Keep: keep}
	if err := n.commit(func(s *state) { s.Leave = &intent }); err != nil {
		return err
	}
	n.keepOnly(&intent)
	return n.finishLeave(ctx, asked, l)
}

// ownPartitions lists what a leaver keeps: the partitions that it is primary for,
// or, where it was removed unasked and cannot know, all that it has whole copies of.
func (n *Node) ownPartitions(l *life, m *partition.Map) ([]partition.ID, error) {
	var own []partition.ID
	if l.isGone() || m != nil && !staysIn(m, l.record.Node) {
		copies, err := n.store.Copies(l.record.Generation)
		if err != nil {
			return nil, fmt.Errorf("list the copies: %w", err)
		}
		for _, c := range copies {
			own = append(own, c.Partition)
		}
		return own, nil
	}
	if m == nil {
		return nil, fmt.Errorf("%w: the node has no map yet", partition.ErrUnavailable)
	}
	for i := range m.Table {
		if m.Table[i].Primary == l.record.Node {
			own = append(own, partition.ID(i))
		}
	}
	return own, nil
}

// finishLeave takes the node out of its cluster as the stored intent says.
func (n *Node) finishLeave(ctx, asked context.Context, l *life) error {
	if err := n.askOut(ctx, asked, l); err != nil {
		if ctx.Err() != nil {
			return errClosed // resumed at the next start
		}
		if err := n.commit(func(s *state) { s.Leave = nil }); err != nil {
			return err
		}
		n.keepOnly(nil)
		return err
	}
	switch err := l.awaitGone(ctx); {
	case errors.Is(err, errRecovered):
		return err
	case err != nil:
		return errClosed
	}
	former, version := l.others(), partition.Version(0)
	if m := l.raft.Load().Map(); m != nil {
		version = m.Version
	}
	l.awaitOut(ctx)
	n.shut(ctx, "the node is leaving its cluster")
	if err := n.standAlone(ctx, l); err != nil {
		return err
	}
	n.awaitCalm(ctx, l.record.Cluster, former, version)
	return nil
}

// askOut has the cluster agree to this node's going. An error but ctx's says that
// it has not and will not: partition.ErrUnavailable or httpapi.ErrConflict.
func (n *Node) askOut(ctx, asked context.Context, l *life) error {
	patience, cancel := both(ctx, asked)
	err := l.askOutOnce(patience)
	cancel()
	for errors.Is(err, partition.ErrUnknown) && ctx.Err() == nil {
		// It may have been agreed to: that has to be found out, whoever waits.
		patience, cancel := context.WithTimeout(ctx, admissionTimeout)
		err = l.askOutOnce(patience)
		cancel()
		if errors.Is(err, partition.ErrUnavailable) {
			err = partition.ErrUnknown
		}
	}
	return err
}

// askOutOnce proposes the node's removal, unless that has come to pass. A node
// that was removed need not hear of an outcome from Raft any more.
// partition.ErrUnknown: it may come to pass yet.
func (l *life) askOutOnce(ctx context.Context) error {
	member, cancel := l.whileMember(ctx)
	defer cancel()
	var refusal fsm.Refusal
	err := l.raft.Load().RemovePeer(member, l.record.Node)
	switch {
	case l.isRecovered():
		return fmt.Errorf("%w: %s", httpapi.ErrConflict, recoveredText)
	case l.isGone(), errors.Is(err, fsm.ErrUnknownPeer):
		return nil
	case errors.As(err, &refusal):
		return fmt.Errorf("%w: this node cannot leave now: %w", httpapi.ErrConflict, err)
	}
	return err
}

// awaitOut waits, for outTimeout at most, until every other peer that answers has
// the node neither in its map nor in Raft's configuration: until then Raft counts
// on it.
func (l *life) awaitOut(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, outTimeout)
	defer cancel()
	for !l.out(ctx) {
		if pause(ctx, goneInterval/2) != nil {
			return
		}
	}
}

func (l *life) out(ctx context.Context) bool {
	answers := 0
	for _, p := range l.others() {
		one, cancel := context.WithTimeout(ctx, askTimeout)
		standing, err := l.raft.Load().Ask(one, p.ID, l.record.Node)
		cancel()
		if err != nil {
			continue
		}
		if standing.Peer || standing.Server {
			return false
		}
		answers++
	}
	return answers > 0
}

// standAlone begins a cluster of this node alone with the copies that it keeps.
func (n *Node) standAlone(ctx context.Context, l *life) error {
	var seen partition.Stamp
	if m := l.raft.Load().Map(); m != nil {
		seen = m.Stamp
	}
	if err := n.closeLife(l); err != nil {
		n.log.Warn("leave", "error", err)
	}
	s, err := n.rehome(l.record, seen)
	if err != nil {
		n.fail(err)
		return err
	}
	n.keepOnly(nil)
	fresh, err := n.openLife(s.Life)
	if err == nil {
		n.setCurrent(fresh)
		err = n.loadImport(s)
	}
	if err != nil {
		n.fail(err)
		return err
	}
	if err := n.rise(ctx, fresh); err != nil {
		return err
	}
	n.discardRaft(l.record.Generation)
	n.log.Info("left; standing alone", "former_cluster", l.record.Cluster)
	if s.Import != nil {
		// The node was removed in the middle of its import, which ends here.
		_, err = n.finishJoin(ctx)
	}
	return err
}

// rehome moves the copies that the leaver keeps into the generation of a new
// life, and makes that life the node's, all in one. Each copy bears where it came
// from: records up to the highest version seen of there are no news there.
//
// In the middle of an import it keeps none: they may have records of that import which
// the cluster never committed, and which would then be no news. What the node brought
// is in the generation that it comes from, whole.
func (n *Node) rehome(old lifeRecord, seen partition.Stamp) (state, error) {
	copies, err := n.store.Copies(old.Generation)
	if err != nil {
		return state{}, fmt.Errorf("list the copies to keep: %w", err)
	}
	kept := make(map[partition.ID]bool)
	s := n.stored()
	if s.Import == nil {
		for _, p := range s.Leave.Keep {
			kept[p] = true
		}
	}
	for _, c := range copies {
		seen = max(seen, c.Position.Stamp)
	}
	moves := make(map[partition.ID]partition.Origin)
	for _, c := range copies {
		if kept[c.Partition] && c.Position.Mark == nil {
			moves[c.Partition] = partition.Origin{Cluster: old.Cluster, Stamp: seen}
		}
	}
	s = s.alone(founder{Stamp: max(seen, partition.Stamp(time.Now().UnixMicro())), Kept: true})
	meta := s.meta()
	meta[bookKey(old.Generation)] = nil
	if err := n.store.MoveCopies(old.Generation, s.Latest, moves, meta); err != nil {
		return state{}, fmt.Errorf("keep this node's copies: %w", err)
	}
	n.publish(s)
	return s, nil
}
