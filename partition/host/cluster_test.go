package host_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"pipelinedht/partition"
)

// raftTime is how long a change of the map takes.
const raftTime = 2 * time.Millisecond

// council is a map that several nodes agree on, as the FSM would: changes are
// applied one after the other, and every node sees them in that order, some later
// than others.
type council struct {
	mu      sync.Mutex
	m       *partition.Map
	members map[partition.NodeID]*seat
}

// seat is one node's view of the map: a host.Cluster.
type seat struct {
	c    *council
	self partition.NodeID
	inc  partition.Incarnation
	lag  time.Duration // of its FSM behind the leader's

	mu      sync.Mutex
	m       *partition.Map
	changed chan struct{}
	muted   chan struct{} // closed while the node reaches nobody's Raft; nil otherwise
}

// found begins a cluster of the given peers, all partitions led and held by the
// first one.
func found(q, replicas int, ids ...partition.NodeID) *council {
	m := &partition.Map{
		Cluster:  1,
		Settings: partition.Settings{Partitions: q, Replicas: replicas, Hash: "xxhash64"},
		Version:  1,
		Table:    make([]partition.Row, q),
	}
	for _, id := range ids {
		m.Peers = append(m.Peers, partition.Peer{ID: id, Name: name(id), UpAt: 1})
	}
	for p := range m.Table {
		m.Table[p] = partition.Row{
			Epoch: 1, Term: 1, Primary: ids[0], InSync: ids[:1], Target: ids[:1], MinInSync: 1,
		}
	}
	return &council{m: m, members: make(map[partition.NodeID]*seat)}
}

func name(id partition.NodeID) string { return "peer" + string(rune('0'+id)) }

// change makes the next map.
func (c *council) change(edit func(m *partition.Map)) partition.Version {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := *c.m
	m.Peers, m.Table = slices.Clone(m.Peers), slices.Clone(m.Table)
	m.Version++
	edit(&m)
	c.m = &m
	for _, s := range c.members {
		if s.lag == 0 {
			s.apply(&m)
		} else {
			time.AfterFunc(s.lag, func() { s.apply(&m) })
		}
	}
	return m.Version
}

// latest returns the newest map.
func (c *council) latest() *partition.Map {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m
}

// enter gives a node that starts its seat, and commits its PeerUp.
func (c *council) enter(id partition.NodeID, inc partition.Incarnation, lag time.Duration) *seat {
	s := &seat{c: c, self: id, inc: inc, lag: lag, changed: make(chan struct{})}
	c.mu.Lock()
	s.m = c.m
	c.members[id] = s
	c.mu.Unlock()
	c.change(func(m *partition.Map) {
		for i := range m.Peers {
			if p := &m.Peers[i]; p.ID == id && p.Incarnation < inc {
				p.Incarnation, p.UpAt = inc, m.Version
			}
		}
		for p := range m.Table {
			if row := &m.Table[p]; row.Primary == id {
				row.Term, row.Epoch = partition.Term(m.Version), partition.Epoch(m.Version)
			}
		}
	})
	return s
}

// leave takes a stopped node's seat away.
func (c *council) leave(id partition.NodeID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.members, id)
}

func (s *seat) apply(m *partition.Map) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Version > s.m.Version && s.muted == nil {
		s.m = m
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// mute cuts the node off from Raft, or lets it back.
func (s *seat) mute(off bool) {
	s.mu.Lock()
	if off && s.muted == nil {
		s.muted = make(chan struct{})
	} else if !off && s.muted != nil {
		close(s.muted)
		s.muted = nil
	}
	s.mu.Unlock()
	s.apply(s.c.latest())
}

func (s *seat) Map() *partition.Map {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m
}

func (s *seat) Watch() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// ChangeCopies applies what is valid of the changes, and returns once this node
// has seen that.
func (s *seat) ChangeCopies(ctx context.Context, changes []partition.Change) error {
	s.mu.Lock()
	muted := s.muted
	s.mu.Unlock()
	if muted != nil {
		select {
		case <-muted:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case <-time.After(raftTime):
	case <-ctx.Done():
		return ctx.Err()
	}
	version := s.c.change(func(m *partition.Map) {
		if p, ok := m.Peer(s.self); !ok || p.Incarnation != s.inc {
			return
		}
		for _, ch := range changes {
			applyChange(m, s.self, ch)
		}
	})
	for {
		seen, m := s.Watch(), s.Map()
		if m.Version >= version {
			return nil
		}
		select {
		case <-seen:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func applyChange(m *partition.Map, by partition.NodeID, ch partition.Change) {
	row := &m.Table[ch.Partition]
	contains := slices.Contains[[]partition.NodeID]
	switch {
	case row.Epoch != ch.Epoch, !contains(ch.InSync, ch.Primary), !contains(row.InSync, ch.Primary):
		return
	case by != row.Primary && (by != ch.Primary || contains(ch.InSync, row.Primary)):
		return
	case by == row.Primary && !contains(ch.InSync, by):
		return
	}
	row.Epoch = partition.Epoch(m.Version)
	if row.Primary != ch.Primary || ch.NewTerm {
		row.Term = partition.Term(m.Version)
	}
	row.Primary, row.InSync = ch.Primary, ch.InSync
	row.MinInSync = minimum(m, row)
}

// minimum returns the row's minimum in-sync: one less than wanted, once the set has
// been that large.
func minimum(m *partition.Map, row *partition.Row) int {
	want := max(1, m.Wanted()-1)
	if len(row.InSync) >= want {
		return want
	}
	return min(row.MinInSync, want)
}

// add adds peers.
func (c *council) add(ids ...partition.NodeID) {
	c.change(func(m *partition.Map) {
		for _, id := range ids {
			m.Peers = append(m.Peers, partition.Peer{ID: id, Name: name(id), UpAt: m.Version})
		}
	})
}

// retarget plans anew.
func (c *council) retarget(target func(p int) []partition.NodeID) {
	c.change(func(m *partition.Map) {
		for p := range m.Table {
			m.Table[p].Target = target(p)
			m.Table[p].MinInSync = minimum(m, &m.Table[p])
		}
	})
}
