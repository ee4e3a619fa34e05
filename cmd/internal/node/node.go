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

	"pipelinedht/httpapi"
	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// Node is one running node.
type Node struct {
	cfg      Config
	log      *slog.Logger
	address  string // host:port that others reach the node at
	listener net.Listener
	store    *storage.Store
	disk     diskWatch
	server   *httpapi.Server
	gate     *gate

	mu      sync.Mutex // guards the following three
	state   state      // as last stored
	current *life      // the one that requests are for
	lives   map[partition.NodeID]*life

	keep    atomic.Pointer[map[partition.ID]bool] // partitions of the leave under way
	imports atomic.Pointer[importer]              // nil: nothing is left to be imported
	course  atomic.Pointer[course]                // nil: the node was not asked to join others

	stopping atomic.Bool // Close was called

	turn chan struct{} // holds a token while a change of membership is under way

	ctx    context.Context // of everything the node does by itself
	cancel context.CancelFunc
	wg     sync.WaitGroup

	ending sync.Once
	ended  chan struct{} // closed when the node has come to its end; why is set before
	why    error
}

// errClosed says that the node was closed while it was at work.
var errClosed = fmt.Errorf("%w: the node is stopping", partition.ErrUnavailable)

// Open starts a node. It returns once the node's port is open and its data are
// read; the node may take a moment more to serve (Ready). When ctx ends before,
// nothing is left behind.
func Open(ctx context.Context, cfg Config) (*Node, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	n := &Node{
		cfg:   cfg,
		log:   cfg.Logger.With("name", cfg.Name),
		gate:  newGate("the node is starting"),
		lives: make(map[partition.NodeID]*life),
		turn:  make(chan struct{}, 1),
		ended: make(chan struct{}),
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if err := n.open(ctx); err != nil {
		n.cancel()
		return nil, errors.Join(err, n.closeParts())
	}
	n.turn <- struct{}{}
	n.wg.Add(2)
	go func() {
		defer n.wg.Done()
		if err := n.server.Serve(n.listener); err != nil {
			n.fail(fmt.Errorf("serve %s: %w", n.address, err))
		}
	}()
	go func() {
		defer n.wg.Done()
		n.resume(n.ctx)
	}()
	if n.disk.space.Load() != nil {
		n.wg.Go(n.watchDisk)
	}
	return n, nil
}

// open opens the parts in order; what it opened before an error is for
// closeParts.
func (n *Node) open(ctx context.Context) error {
	if err := n.listen(ctx); err != nil {
		return err
	}
	if err := n.makeDataDir(); err != nil {
		return err
	}
	store, err := storage.Open(storage.Options{
		Dir:    storeDir(n.cfg.DataDir),
		FS:     n.cfg.FS,
		Logger: n.log,
		Fatal:  n.fail,
	})
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	n.store = store
	n.disk.store, n.disk.reserve = store, int64(n.cfg.DiskReserve)
	if _, err := n.disk.look(); err != nil {
		return err
	}
	if err := n.readState(); err != nil {
		return err
	}
	if err := n.discardStrays(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l, err := n.openLife(n.state.Life)
	if err != nil {
		return err
	}
	n.current = l
	limits, fewer := fitFiles(n.cfg.Limits, mostFiles())
	if fewer {
		n.log.Warn("fewer connections than --max-connections: raise the limit of open files", "connections", limits.Connections, "files", mostFiles())
	}
	n.server = httpapi.New(httpapi.Config{
		Name:    n.cfg.Name,
		Table:   table{n},
		Cluster: n,
		Peer:    peerHandler{n},

		Registry: n.registry(),
		Limits:   limits,
		Logger:   n.log,
	})
	return nil
}

// Address returns the host:port that others reach the node at.
func (n *Node) Address() string { return n.address }

// Done is closed when the node has come to an end, by itself or by Close.
func (n *Node) Done() <-chan struct{} { return n.ended }

// Wait waits for the node's end and returns why it came by itself: nil after
// Close. A node that has ended by itself acknowledges nothing any more; Close it.
func (n *Node) Wait() error {
	<-n.ended
	return n.why
}

// fail ends the node: its data can no longer be written or trusted.
func (n *Node) fail(err error) {
	n.ending.Do(func() {
		n.log.Error("the node ends", "error", err)
		n.why = err
		n.gate.bar("the node has failed: " + err.Error())
		n.cancel()
		close(n.ended)
	})
}

// Close stops the node and waits until everything it started has ended. First it
// hands its roles over to other nodes, and serves on meanwhile; requests under way
// may then finish: all until ctx ends. It stays a peer. A join or leave that is
// under way goes on at the next start, if there is a data directory.
func (n *Node) Close(ctx context.Context) error {
	n.stopping.Store(true)
	n.server.Drain()
	n.withdraw(ctx)
	n.cancel()
	err := n.server.Shutdown(ctx)
	n.wg.Wait()
	err = errors.Join(err, n.closeParts())
	n.ending.Do(func() { close(n.ended) })
	return err
}

// withdrawTimeout bounds how long a node that stops tries to be of no more
// concern to Raft.
const withdrawTimeout = 3 * time.Second

// drainTime is how long at least a node of several says that it stops before it
// does: time for a load balancer, and for clients, to go elsewhere.
const drainTime = 500 * time.Millisecond

// withdraw has the other nodes go on without a pause: it hands over the primaries,
// leaves the in-sync sets, then hands over Raft's leadership, and of two voters
// gives up its vote. It serves on meanwhile.
func (n *Node) withdraw(ctx context.Context) {
	l := n.life()
	if ctx.Err() != nil || n.ctx.Err() != nil || standalone(l.raft.Load().Map(), l) {
		return
	}
	drained := time.NewTimer(drainTime)
	defer func() {
		select {
		case <-drained.C:
		case <-ctx.Done():
		}
	}()
	if h := l.host.Load(); h != nil {
		begun := time.Now()
		if err := h.Withdraw(ctx); err != nil {
			n.log.Warn("stop with roles that no other node took", "error", err)
		} else {
			n.log.Info("roles handed over", "took", time.Since(begun).Round(time.Millisecond))
		}
	}
	patience, cancel := context.WithTimeout(ctx, withdrawTimeout)
	defer cancel()
	if err := l.raft.Load().Withdraw(patience); err != nil {
		n.log.Info("stop without a successor in Raft", "error", err)
	}
}

// closeParts closes what open opened, in reverse.
func (n *Node) closeParts() error {
	var errs []error
	if im := n.imports.Load(); im != nil {
		im.wg.Wait()
	}
	for _, l := range n.takeLives() {
		errs = append(errs, l.close())
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	if n.listener != nil {
		// Serve has closed it where it ran.
		if err := n.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
