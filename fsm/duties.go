package fsm

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

const (
	// dutyEvery is how often a leader looks after its duties when nothing calls.
	dutyEvery = 250 * time.Millisecond
	// settlePause is how long it waits for a step of its own to show.
	settlePause = 10 * time.Millisecond
	// stoodStill is how long a pause between two looks must be for this process to
	// have been stopped meanwhile.
	stoodStill = dutyEvery + time.Second
	// stepTimeout bounds a proposal, or a step that waits for an earlier one.
	stepTimeout = 2 * time.Second
)

// withdrawals are the nodes that said they are about to stop, and in which
// incarnation. Only the leader that was told knows: if it loses the leadership,
// the worst is that a stopping node keeps its vote.
type withdrawals struct {
	mu sync.Mutex // guards of
	of map[partition.NodeID]partition.Incarnation
}

func (w *withdrawals) add(id partition.NodeID, inc partition.Incarnation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.of[id] = max(w.of[id], inc)
}

func (w *withdrawals) has(p partition.Peer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.of[p.ID] >= p.Incarnation
}

// serve does a leader's duties while this node leads: Raft's configuration
// follows the map, and the map the health of the peers. Any other node only waits
// for being elected. It runs until Close.
func (r *Raft) serve() {
	started := time.Now()
	slept := started // since when the loop pauses
	ran := false     // the cluster did, under another leader
	var current *reign
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed, leaders := r.machine.mapChanged.next(), r.leaders.next()
		pause := dutyEvery
		now := time.Now()
		stood := now.Sub(slept) > stoodStill
		leads := r.raft.State() == raft.Leader
		switch {
		case !leads:
			current = nil
			leader, led := r.Leader()
			ran = ran || led && leader != r.cfg.Self
		case current == nil, stood:
			// Of a time in which this process did not run it knows nothing.
			current = newReign(r.wire.contacts, started, ran, now)
			fallthrough
		default:
			if r.followMap(current) || r.reportHealth(current) {
				pause = settlePause
			}
		}
		slept = time.Now()
		var due <-chan time.Time // nil: never
		if leads {
			timer.Reset(pause)
			due = timer.C
		}
		select {
		case <-due:
		case <-changed:
		case <-leaders:
		case <-r.closing:
			return
		}
	}
}

// followMap takes one step towards the Raft configuration that the map asks for,
// and reports whether there was one to take. Whether it went through shows in
// the configuration, the next time: Raft's futures are not waited for, because
// some are left unanswered where Raft stops.
func (r *Raft) followMap(current *reign) bool {
	m := r.Map()
	if m == nil {
		return false
	}
	now := time.Now()
	g := group{
		self:    r.cfg.Self,
		servers: r.servers(),
		peers:   m.Peers,
		live:    func(id partition.NodeID) bool { return current.live(id, now) },
		ready:   func(id partition.NodeID) bool { return current.ready(id, r.raft.LastIndex(), now) },
		stopping: func(id partition.NodeID) bool {
			p, ok := m.Peer(id)
			return ok && r.withdrawn.has(p)
		},
	}
	s := g.next()
	id, address := serverID(s.id), serverAddress(s.id)
	switch s.kind {
	case stepNone:
		return false
	case stepAdd:
		r.raft.AddNonvoter(id, address, 0, stepTimeout)
	case stepPromote:
		r.raft.AddVoter(id, address, 0, stepTimeout)
	case stepDemote:
		r.raft.DemoteVoter(id, 0, stepTimeout)
	case stepRemove:
		r.raft.RemoveServer(id, 0, stepTimeout)
	case stepYield:
		ctx, cancel := context.WithTimeout(r.life, stepTimeout)
		defer cancel()
		if err := r.TransferLeadership(ctx); err != nil {
			r.log.Warn("leadership not handed over", "error", err)
		}
	}
	return true
}

// reportHealth proposes what the map should say about one peer, and reports
// whether there was something to say.
func (r *Raft) reportHealth(current *reign) bool {
	m := r.Map()
	if m == nil {
		return false
	}
	now := time.Now()
	for _, p := range m.Peers {
		seen := current.word(p, now)
		if p.State == partition.Active && seen.quiet >= missedAfter && missed(m, p.ID) {
			seen = current.urgent(seen)
		}
		if p.ID == r.cfg.Self {
			// A leader before may have said otherwise, just before it stepped down.
			seen = sighting{heard: true, grace: downAfter}
		}
		c := diagnose(p, seen, r.cfg.ReplaceAfter, func(id partition.NodeID) bool { return holdsInSync(m, id) })
		if c == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(r.life, stepTimeout)
		err := r.propose(ctx, c)
		cancel()
		var refused Refusal
		if err == nil || !errors.As(err, &refused) {
			return err == nil
		}
		r.log.Debug("word on a peer refused", "peer", p.ID, "error", err)
	}
	return false
}

// nudge tells the followers at once what is committed, until Close. Raft itself
// tells them with its next entry or, after commitTimeout, without one; so when no
// entry follows those that are committed, the leader appends an empty one.
func (r *Raft) nudge() {
	var told uint64 // index that was committed when an entry was appended behind it
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		applied := r.machine.applied.next()
		var due <-chan time.Time // nil: never
		if r.machine.index.Load() > told && r.raft.State() == raft.Leader && len(r.servers()) > 1 {
			if committed := r.raft.CommitIndex(); committed == r.raft.LastIndex() {
				told = committed
				r.raft.Barrier(enqueueTimeout)
			} else { // what follows may have left before
				timer.Reset(settlePause)
				due = timer.C
			}
		}
		select {
		case <-applied:
		case <-due:
		case <-r.closing:
			return
		}
	}
}
