package fsm

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

const (
	hangTick = 100 * time.Millisecond
	// hangTicks is how many a write may take: 10 s in which this process ran. (Ticks
	// do not pass while it is stopped.)
	hangTicks = 100
)

var errHangs = errors.New("a write to the Raft store has taken over 10 s: the disk hangs")

// guarded tells fatal of what Raft cannot live with: a write that fails or hangs, an
// entry that cannot be read. Raft itself would go on, or panic; so the goroutine
// of Raft's that met with it ends there, and the process soon.
type guarded struct {
	logStore
	fatal   func(error)
	started atomic.Bool // what asks is a goroutine of Raft's own
	// term is Raft's. It is here before Raft itself goes by it.
	term atomic.Uint64

	begun chan struct{} // one token: a write has begun

	mu    sync.Mutex
	tick  uint64             // passed while writes were under way
	under map[*string]uint64 // writes under way: the tick at which each began
}

func newGuarded(log logStore, fatal func(error)) *guarded {
	return &guarded{logStore: log, fatal: fatal, begun: make(chan struct{}, 1), under: make(map[*string]uint64)}
}

// watch carries out what Raft asks of the store.
func (g *guarded) watch(what string, do func() error) error {
	g.mu.Lock()
	g.under[&what] = g.tick
	g.mu.Unlock()
	select {
	case g.begun <- struct{}{}:
	default:
	}
	err := do()
	g.mu.Lock()
	delete(g.under, &what)
	g.mu.Unlock()
	return g.check(what, err)
}

// pass lets a tick pass, and reports whether writes are under way, and whether one
// of them hangs.
func (g *guarded) pass() (busy, hangs bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tick++
	for _, began := range g.under {
		hangs = hangs || g.tick > began+hangTicks
	}
	return len(g.under) > 0, hangs
}

func (g *guarded) check(what string, err error) error {
	if err == nil || !g.started.Load() {
		return err
	}
	g.fatal(fmt.Errorf("raft store, %s: %w", what, err))
	runtime.Goexit()
	return err
}

// watchWrites ends the node if a write hangs, until closing is closed. It ticks
// only while there are writes: a node with nothing to write is not woken.
func (g *guarded) watchWrites(closing <-chan struct{}) {
	ticker := time.NewTicker(hangTick)
	defer ticker.Stop()
	for {
		select {
		case <-closing:
			return
		case <-g.begun:
		}
		ticker.Reset(hangTick)
		for busy := true; busy; {
			select {
			case <-closing:
				return
			case <-ticker.C:
			}
			var hangs bool
			if busy, hangs = g.pass(); hangs {
				g.fatal(errHangs)
				return
			}
		}
		ticker.Stop()
	}
}

func (g *guarded) StoreLog(l *raft.Log) error {
	return g.watch("append", func() error { return g.logStore.StoreLog(l) })
}

func (g *guarded) StoreLogs(ls []*raft.Log) error {
	return g.watch("append", func() error { return g.logStore.StoreLogs(ls) })
}

// DeleteRange deletes those of the entries that are there. (Raft's store in memory
// loses count of entries that are not: v1.7.3.)
func (g *guarded) DeleteRange(from, to uint64) error {
	return g.watch("truncate", func() error {
		first, last, err := extent(g.logStore)
		if err != nil || last == 0 || to < first || from > last {
			return err
		}
		return g.logStore.DeleteRange(max(from, first), min(to, last))
	})
}

func (g *guarded) Set(key, value []byte) error {
	return g.watch("write", func() error { return g.logStore.Set(key, value) })
}

func (g *guarded) SetUint64(key []byte, value uint64) error {
	err := g.watch("write", func() error { return g.logStore.SetUint64(key, value) })
	if err == nil && bytes.Equal(key, keyTerm) {
		g.term.Store(value)
	}
	return err
}

// IsMonotonic implements raft.MonotonicLogStore. It has Raft delete the log when a
// snapshot of the leader's takes its place. Raft (v1.7.3) would keep the end of it
// else, and leave a gap: entries that need not be what was committed, and that the
// node, if it comes to lead, hands on to followers as far behind as it was.
func (g *guarded) IsMonotonic() bool { return true }

// GetLog reads an entry. One that is not there is an ordinary answer.
func (g *guarded) GetLog(index uint64, l *raft.Log) error {
	err := g.logStore.GetLog(index, l)
	if errors.Is(err, raft.ErrLogNotFound) {
		return err
	}
	return g.check("read", err)
}
