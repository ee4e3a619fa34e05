package node

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// openLife opens the life that r describes and lets connections for it in.
func (n *Node) openLife(r lifeRecord) (*life, error) {
	l, err := openLife(r, lifeConfig{
		name:           n.cfg.Name,
		address:        n.address,
		raftDir:        n.raftDir(r.Generation),
		secret:         n.cfg.Secret,
		dial:           n.cfg.Dial,
		clock:          n.cfg.Clock,
		replaceAfter:   n.cfg.ReplaceAfter,
		requestTimeout: n.cfg.RequestTimeout,
		store:          n.store,
		keep:           n.keeps,
		fatal:          n.fail,
		logger:         n.log,
	})
	if err != nil {
		return nil, fmt.Errorf("open the life in cluster %s: %w", r.Cluster, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lives[r.Node] = l
	return l, nil
}

// closeLife closes l; its Raft directory stays.
func (n *Node) closeLife(l *life) error {
	n.mu.Lock()
	delete(n.lives, l.record.Node)
	n.mu.Unlock()
	if err := l.close(); err != nil {
		return fmt.Errorf("close the life in cluster %s: %w", l.record.Cluster, err)
	}
	return nil
}

// takeLives returns all lives and forgets them.
func (n *Node) takeLives() map[partition.NodeID]*life {
	n.mu.Lock()
	defer n.mu.Unlock()
	lives := maps.Clone(n.lives)
	clear(n.lives)
	return lives
}

// life returns the current life.
func (n *Node) life() *life {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.current
}

func (n *Node) setCurrent(l *life) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.current = l
}

// keeps is host.Config.Keep: a leaver's own copies stay.
func (n *Node) keeps(p partition.ID) bool {
	keep := n.keep.Load()
	return keep != nil && (*keep)[p]
}

// keepOnly sets what keeps says from now on.
func (n *Node) keepOnly(i *leaveIntent) {
	if i == nil {
		n.keep.Store(nil)
		return
	}
	keep := make(map[partition.ID]bool, len(i.Keep))
	for _, p := range i.Keep {
		keep[p] = true
	}
	n.keep.Store(&keep)
}

// Below the data directory: "store", and "raft-G" for the life of generation G.

func storeDir(data string) string {
	if data == "" {
		return "store"
	}
	return filepath.Join(data, "store")
}

const raftPrefix = "raft-"

// raftDir returns the Raft directory of a life; "" where it is kept in memory.
func (n *Node) raftDir(g storage.Generation) string {
	if n.cfg.DataDir == "" {
		return ""
	}
	return filepath.Join(n.cfg.DataDir, fmt.Sprintf("%s%d", raftPrefix, g))
}

// discardRaft deletes the Raft directory of a life that is over. One that cannot
// be deleted is harmless, since no generation comes twice: it is logged, and
// tried again at the next start.
func (n *Node) discardRaft(g storage.Generation) {
	dir := n.raftDir(g)
	if dir == "" {
		return
	}
	if err := os.RemoveAll(dir); err != nil {
		n.log.Warn("delete an old Raft directory", "error", err)
	}
}

// discardStrays deletes the Raft directories that a crash left behind.
func (n *Node) discardStrays() error {
	if n.cfg.DataDir == "" {
		return nil
	}
	entries, err := os.ReadDir(n.cfg.DataDir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the data directory: %w", err)
	}
	for _, e := range entries {
		var g storage.Generation
		if !strings.HasPrefix(e.Name(), raftPrefix) {
			continue
		}
		if _, err := fmt.Sscanf(e.Name(), raftPrefix+"%d", &g); err != nil {
			continue
		}
		if g != n.state.Life.Generation && (n.state.Join == nil || g != n.state.Join.Life.Generation) {
			n.discardRaft(g)
		}
	}
	return nil
}
