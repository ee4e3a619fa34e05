package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"pipelinedht/fsm"
	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

const (
	// noticeTimeout is how long a silent peer may take to be down in the map, under
	// a new leader that never heard it, too.
	noticeTimeout = 15 * time.Second
	// shownPartitions bounds how many partitions a refusal lists.
	shownPartitions = 8
)

// Forget removes a peer that is gone for good.
func (n *Node) Forget(ctx context.Context, name string, loseData bool) (httpapi.ForgetReport, error) {
	in, err := n.enter(ctx)
	if err != nil {
		return httpapi.ForgetReport{}, err
	}
	in.leave() // it changes no life of this node
	l := in.life
	member, cancel := l.whileMember(ctx)
	defer cancel()
	p, err := l.awaitSilent(member, name)
	if err != nil {
		return httpapi.ForgetReport{}, err
	}
	before := l.raft.Load().Map()
	if err := l.raft.Load().ForgetPeer(member, p.ID, loseData); err != nil {
		return httpapi.ForgetReport{}, forgetError(err, p, before)
	}
	report := httpapi.ForgetReport{Peer: p, Lost: begunAnew(before, l.raft.Load().Map())}
	n.log.Warn("peer forgotten", "peer", p.Name, "id", p.ID, "partitions_given_up", report.Lost)
	waiting, cancel := context.WithTimeout(member, calmTimeout)
	defer cancel()
	_, err = l.await(waiting, func(m *partition.Map) bool { _, there := m.Peer(p.ID); return !there })
	report.Gone = err == nil
	return report, nil
}

// awaitSilent returns the peer of that name, or id, once the map has it as one that
// is not heard. One that answers this node is refused at once.
func (l *life) awaitSilent(ctx context.Context, name string) (partition.Peer, error) {
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	for asked := false; ; asked = true {
		changed := l.raft.Load().Watch()
		m := l.raft.Load().Map()
		p, err := forgettable(m, name)
		switch {
		case err != nil:
			return p, err
		case p.ID == l.record.Node, !asked && l.answers(ctx, p):
			return p, fmt.Errorf("%w: %s is up: have it leave instead: dht leave --addr %s", httpapi.ErrConflict, p.Name, p.Address)
		case m.Away(p.ID):
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return p, fmt.Errorf("%w: %s does not answer, but the cluster has not found it down yet", partition.ErrUnavailable, p.Name)
		}
	}
}

// answers reports whether the peer itself is there at its address.
func (l *life) answers(ctx context.Context, p partition.Peer) bool {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	address, _, _ := l.resolve(p.ID)
	w, err := l.whois(ctx, address)
	return err == nil && w.Node == p.ID
}

// forgettable finds the peer that the operator means: of those of that name the one
// that is not heard, else the one that leaves, since another may have taken its name.
func forgettable(m *partition.Map, name string) (partition.Peer, error) {
	var away, leaving, there []partition.Peer
	var names []string
	for _, p := range m.Peers {
		names = append(names, p.Name)
		switch {
		case p.Name != name && p.ID.String() != name:
		case m.Away(p.ID):
			away = append(away, p)
		case p.State == partition.Leaving:
			leaving = append(leaving, p)
		default:
			there = append(there, p)
		}
	}
	there = append(leaving, there...)
	switch {
	case len(away) == 1:
		return away[0], nil
	case len(away) > 1:
		return partition.Peer{}, fmt.Errorf("%w: %d peers named %s are not heard: give the id of one, %v or %v",
			httpapi.ErrConflict, len(away), name, away[0].ID, away[1].ID)
	case len(there) > 0:
		return there[0], nil
	}
	return partition.Peer{}, fmt.Errorf("%w: no peer is named %q: there are %s", httpapi.ErrNoPeer, name, strings.Join(names, ", "))
}

// forgetError says what came of a peer that was to be forgotten.
func forgetError(err error, p partition.Peer, m *partition.Map) error {
	var refusal fsm.Refusal
	switch {
	case errors.Is(err, fsm.ErrLastCopy):
		only := m.OnlyWith(p.ID)
		return fmt.Errorf("%w: %s alone has what was written to %d of %d partitions (%s): start it again, "+
			"or give that data up for good with --lose-data", httpapi.ErrConflict, p.Name, len(only), len(m.Table), some(only))
	case errors.As(err, &refusal):
		return fmt.Errorf("%w: %s cannot be forgotten now: %w", httpapi.ErrConflict, p.Name, err)
	}
	return err
}

// some lists partitions, the first few of many.
func some(ids []partition.ID) string {
	var list []string
	for _, id := range ids[:min(len(ids), shownPartitions)] {
		list = append(list, fmt.Sprint(id))
	}
	if len(ids) > shownPartitions {
		list = append(list, "...")
	}
	return strings.Join(list, ", ")
}

// begunAnew counts the partitions that were given up between two maps.
func begunAnew(before, after *partition.Map) int {
	count := 0
	for i := range after.Table {
		if after.Table[i].Born > before.Version {
			count++
		}
	}
	return count
}
