package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"pipelinedht/fsm"
	"pipelinedht/partition"
	"pipelinedht/partition/host"
	"pipelinedht/partition/storage"
	"pipelinedht/transport"
)

// life is one membership of one cluster, running: the connections and Raft from
// openLife on, the copies from serve on. A node has one, and a second one while
// it changes clusters.
type life struct {
	record lifeRecord
	cfg    lifeConfig
	log    *slog.Logger

	net  *transport.Transport
	raft atomic.Pointer[fsm.Raft] // nil while openLife is at work
	host atomic.Pointer[host.Host]

	held heldCalls     // for host, until it is there
	book addressBook   // of peers, as last stored
	jobs chan struct{} // a token for each call that Raft is at work on

	caught atomic.Bool // see caughtUp

	watch sync.Once     // Node.watchMembership
	gone  chan struct{} // closed once the node is known to have no place in the cluster any more
	why   error         // set before gone is closed: errRemoved or errRecovered

	ctx    context.Context // of everything that the life starts
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// lifeConfig is what all lives of a node share.
type lifeConfig struct {
	name, address  string
	raftDir        string // of this life; "": in memory
	secret         string
	dial           func(ctx context.Context, address string) (net.Conn, error)
	clock          func() time.Duration
	replaceAfter   time.Duration
	requestTimeout time.Duration
	rebalanceRate  int
	flight         Flight
	store          *storage.Store
	keep           *atomic.Pointer[map[partition.ID]bool] // see keeps
	course         *atomic.Pointer[course]                // nil: the node goes nowhere
	recovered      func() []partition.ClusterID
	fatal          func(error)
	logger         *slog.Logger
}

// openLife starts connections and Raft of the life.
func openLife(r lifeRecord, cfg lifeConfig) (*life, error) {
	l := &life{
		record: r,
		cfg:    cfg,
		log:    cfg.logger.With("cluster", r.Cluster, "node", r.Node),
		book:   addressBook{life: r.Generation},
		jobs:   make(chan struct{}, maxRaftCalls),
		gone:   make(chan struct{}),
	}
	if err := l.book.load(cfg.store); err != nil {
		return nil, err
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.net = transport.New(transport.Config{
		Self: transport.Identity{
			Cluster:     r.Cluster,
			Node:        r.Node,
			Incarnation: r.Incarnation,
			Address:     cfg.address,
		},
		Secret:  cfg.secret,
		Dial:    cfg.dial,
		Resolve: l.resolve,
		Handler: l,
		Logger:  l.log,
	})
	raft, err := fsm.Open(l.raftConfig())
	if err != nil {
		l.cancel()
		return nil, errors.Join(fmt.Errorf("open raft: %w", err), l.net.Close())
	}
	l.raft.Store(raft)
	l.wg.Add(1)
	go func() {
		defer l.wg.Done()
		l.keepBook()
	}()
	return l, nil
}

func (l *life) raftConfig() fsm.Config {
	c := fsm.Config{
		Cluster:      l.record.Cluster,
		Self:         l.record.Node,
		Incarnation:  l.record.Incarnation,
		Name:         l.cfg.name,
		Address:      l.cfg.address,
		Dir:          l.cfg.raftDir,
		Streams:      l.net.StreamLayer(),
		Caller:       raftCaller{l.net},
		ReplaceAfter: l.cfg.replaceAfter,
		Fatal:        l.cfg.fatal,
		Logger:       l.log,
	}
	if f := l.record.Founder; f != nil {
		c.Founder, c.Stamp = &l.record.Settings, f.Stamp
	}
	return c
}

// serve waits for a map and starts the copies. What they may do before this
// incarnation is in the map is their own business.
func (l *life) serve(ctx context.Context) error {
	if _, err := l.await(ctx, func(*partition.Map) bool { return true }); err != nil {
		return fmt.Errorf("wait for the map: %w", err)
	}
	h, err := host.Open(host.Config{
		Self:           l.record.Node,
		Incarnation:    l.record.Incarnation,
		Generation:     l.record.Generation,
		Store:          l.cfg.store,
		Net:            hostNet{l.net},
		Cluster:        l.raft.Load(),
		Keep:           l.keeps,
		Tombstones:     l.record.Founder != nil && l.record.Founder.Kept,
		Timeout:        l.cfg.requestTimeout,
		RebalanceBytes: int64(l.cfg.rebalanceRate),
		Limits:         l.cfg.flight.limits(),
		Fatal:          l.cfg.fatal,
		Clock:          l.cfg.clock,
		Logger:         l.log,
	})
	if err != nil {
		return fmt.Errorf("open copies: %w", err)
	}
	l.host.Store(h)
	l.held.release(h)
	return nil
}

// await returns the first map, from the present one on, that is as wanted.
func (l *life) await(ctx context.Context, wanted func(*partition.Map) bool) (*partition.Map, error) {
	for {
		changed := l.raft.Load().Watch()
		if m := l.raft.Load().Map(); m != nil && wanted(m) {
			return m, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.ctx.Done():
			return nil, errClosed
		}
	}
}

// adopted returns the map that the node's copies and routes go by, which may be a
// little older than Raft's. The life has one.
func (l *life) adopted() *partition.Map {
	if h := l.host.Load(); h != nil {
		if m := h.Map(); m != nil {
			return m
		}
	}
	return l.raft.Load().Map()
}

// caughtUp reports whether, at some time since the start of this life, all copies
// that the node is to have were in sync.
func (l *life) caughtUp() bool {
	if !l.caught.Load() && l.up() && settledFor(l.adopted(), l.record.Node) {
		l.caught.Store(true)
	}
	return l.caught.Load()
}

// close ends the life's parts in reverse and waits for them. The store keeps
// what the life held.
func (l *life) close() error {
	l.cancel()
	l.held.close()
	var errs []error
	if h := l.host.Load(); h != nil {
		errs = append(errs, h.Close())
	}
	errs = append(errs, l.raft.Load().Close(), l.net.Close())
	l.wg.Wait()
	return errors.Join(errs...)
}
