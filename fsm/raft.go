package fsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

// Raft's own time-outs and bounds.
const (
	// heartbeatTimeout of silence makes a follower stand for election, after up to
	// as long again, which spreads the candidates. A copy's promise to a silent
	// primary (1.6 s) is not outlasted by that, so it costs a failover nothing.
	heartbeatTimeout = 800 * time.Millisecond
	electionTimeout  = 800 * time.Millisecond
	// leaderLease without a quorum makes a leader step down.
	leaderLease = 600 * time.Millisecond
	// commitTimeout, up to twice, is how often an idle leader tells its followers what
	// is committed, though nudge has, and looks whether one lacks an entry.
	commitTimeout = 500 * time.Millisecond
	// A snapshot is taken when snapshotEvery entries have come since the last one,
	// looked for every snapshotCheck, and keptEntries stay for followers that lag.
	snapshotCheck = 15 * time.Second
	snapshotEvery = 1024
	keptEntries   = 1024

	defaultReplaceAfter = 5 * time.Minute
)

// Raft is this node's part in the cluster's Raft group, and its view of the map.
type Raft struct {
	cfg     Config
	log     *slog.Logger
	machine *machine
	wire    *wire
	stores  *stores
	raft    *raft.Raft

	leaders   signal // when this node's word on who leads changes, or its own role
	withdrawn withdrawals

	// turn is held (by sending) by the proposal under way; it guards number, that
	// of the last proposal.
	turn   chan struct{}
	number uint64

	life      context.Context // ends with Close
	closing   <-chan struct{} // its Done
	end       context.CancelCauseFunc
	observer  *raft.Observer
	observed  chan raft.Observation // 1 deep: it only wakes
	running   sync.WaitGroup
	closeOnce sync.Once
	closeErr  error
}

// Open starts the node: from Dir if there is a state, else as founder of a new
// cluster, else as one that waits to be added by its leader. Errors: ErrLocked,
// ErrForeign, ErrNewerFormat, ErrDamaged, ErrRegressed, those of the file
// system.
func Open(cfg Config) (*Raft, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	logger := newRaftLogger(cfg.Logger)
	st, err := openStores(cfg.Dir, identity{cfg.Cluster, cfg.Self}, cfg.plant, logger)
	if err != nil {
		return nil, fmt.Errorf("raft store: %w", err)
	}
	if cfg.Dir != "" {
		if err := begin(st.log, cfg.Incarnation); err != nil {
			return nil, errors.Join(fmt.Errorf("raft store: %w", err), st.close())
		}
	}
	log := newGuarded(st.log, cfg.Fatal)
	life, end := context.WithCancelCause(context.Background())
	r := &Raft{
		cfg:       cfg,
		log:       cfg.Logger,
		machine:   newMachine(cfg.Self, cfg.Incarnation, cfg.Fatal),
		wire:      newWire(cfg.Self, cfg.Streams, log.term.Load, logger),
		stores:    st,
		withdrawn: withdrawals{of: make(map[partition.NodeID]partition.Incarnation)},
		turn:      make(chan struct{}, 1),
		life:      life,
		closing:   life.Done(),
		end:       end,
		observed:  make(chan raft.Observation, 1),
	}
	conf := cfg.raft()
	conf.Logger = logger
	if r.raft, err = raft.NewRaft(conf, r.machine, log, log, st.snaps, r.wire); err != nil {
		end(ErrClosed)
		return nil, errors.Join(fmt.Errorf("start raft: %w", err), r.machine.restoreErr, r.wire.Close(), st.close())
	}
	log.started.Store(true)
	r.hasten()
	r.observer = raft.NewObserver(r.observed, false, func(o *raft.Observation) bool {
		switch o.Data.(type) {
		case raft.LeaderObservation, raft.RaftState:
			return true
		}
		return false
	})
	r.raft.RegisterObserver(r.observer)
	r.running.Go(func() { r.wire.inbox.deliver(r.raft) })
	r.running.Go(r.observe)
	r.running.Go(r.serve)
	r.running.Go(r.nudge)
	r.running.Go(func() { log.watchWrites(r.closing) })
	return r, nil
}

// hasten makes the only voter of a group stand for election at once: Raft looks
// up when its heartbeat time-out is shortened. (Starting with a short one would
// not do: the leader's lease cannot be longer, nor changed later.)
func (r *Raft) hasten() {
	only := false
	for _, s := range r.servers() {
		if s.voter && s.id != r.cfg.Self {
			return
		}
		only = only || s.voter
	}
	if !only {
		return
	}
	short := r.raft.ReloadableConfig()
	short.HeartbeatTimeout, short.ElectionTimeout = heartbeatTimeout, electionTimeout
	if err := r.raft.ReloadConfig(short); err != nil {
		r.log.Warn("raft time-outs not reloaded", "error", err)
	}
}

// observe passes on Raft's changes of leader and role until Close.
func (r *Raft) observe() {
	for {
		select {
		case <-r.observed:
			r.leaders.fire()
		case <-r.closing:
			return
		}
	}
}

// Close stops everything that Open started and waits for it. Proposals under way
// end with ErrClosed. It may be called more than once.
func (r *Raft) Close() error {
	r.closeOnce.Do(func() {
		r.end(ErrClosed)
		r.raft.DeregisterObserver(r.observer)
		stopped := r.raft.Shutdown()
		// Raft waits for calls under way, so those are broken off first.
		r.closeErr = r.wire.Close()
		r.running.Wait()
		r.closeErr = errors.Join(r.closeErr, stopped.Error(), r.stores.close())
	})
	return r.closeErr
}

// Map returns the map as this node has applied it; nil until there is one. It
// may be older than other nodes' maps, and, until Up returns, older than the one
// this node had before it was restarted.
func (r *Raft) Map() *partition.Map { return r.machine.state.Load().Map }

// Watch returns a channel that is closed at the next change of the map. Take it
// before Map, act, and call it again.
func (r *Raft) Watch() <-chan struct{} { return r.machine.mapChanged.next() }

// Leader returns the Raft leader, if one is known.
func (r *Raft) Leader() (partition.NodeID, bool) {
	_, id := r.raft.LeaderWithID()
	if id == "" {
		return 0, false
	}
	n, err := partition.ParseNodeID(string(id))
	return n, err == nil
}

// servers returns Raft's latest configuration, committed or not.
func (r *Raft) servers() []server {
	var servers []server
	for _, s := range r.raft.GetConfiguration().Configuration().Servers {
		if id, err := partition.ParseNodeID(string(s.ID)); err == nil {
			servers = append(servers, server{id, s.Suffrage == raft.Voter})
		}
	}
	return servers
}
