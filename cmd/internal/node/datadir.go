package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"pipelinedht/fsm"
	"pipelinedht/partition/storage"
)

// Below the data directory: "store", "raft-G" for the life of generation G, and
// "recovered-raft-G" for one that was given up by Recovery.

// makeDataDir makes the data directory, so that it is there after a power loss
// too. What is made in it is made to last by Raft's first start.
func (n *Node) makeDataDir() error {
	dir := n.cfg.DataDir
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return fmt.Errorf("data directory: %w", err)
	case !info.IsDir():
		return fmt.Errorf("data directory %s: %w", dir, storage.ErrNotDirectory)
	default:
		return nil
	}
	if err := makeDir(dir); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	return nil
}

// makeDir makes a directory, and those above it that are missing, to last.
func makeDir(dir string) error {
	parent := filepath.Dir(dir)
	if _, err := os.Stat(parent); errors.Is(err, os.ErrNotExist) && parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// syncDir makes the names in a directory last.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func storeDir(data string) string {
	if data == "" {
		return "" // the store is in memory
	}
	return filepath.Join(data, "store")
}

const raftPrefix = "raft-"

// raftDir returns the Raft directory of a life; "" where it is kept in memory.
func (n *Node) raftDir(g storage.Generation) string {
	if n.cfg.DataDir == "" {
		return ""
	}
	return raftDirIn(n.cfg.DataDir, g)
}

func raftDirIn(data string, g storage.Generation) string {
	return filepath.Join(data, fmt.Sprintf("%s%d", raftPrefix, g))
}

// hasRaft reports whether a life has a Raft directory, of an earlier start too.
func (n *Node) hasRaft(g storage.Generation) (bool, error) {
	dir := n.raftDir(g)
	if dir == "" {
		return false, nil
	}
	return fsm.Exists(dir)
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

// checkEmpty refuses to begin anew where a Raft directory says that the node had a
// life before.
func (n *Node) checkEmpty() error {
	if n.cfg.DataDir == "" {
		return nil
	}
	left, err := filepath.Glob(filepath.Join(n.cfg.DataDir, raftPrefix+"*"))
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("%w: %s", ErrNoStore, left[0])
	}
	return err
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
