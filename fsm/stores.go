package fsm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"pipelinedht/partition"
)

// A Raft directory holds
//
//	raft.db     Raft's log and votes (bbolt, as raft-boltdb writes it), and under
//	            the key "identity" whose they are
//	snapshots/  hashicorp/raft's FileSnapshotStore, the newest two, sealed
//
// raft.db is made under another name and moved into place when it holds whatever
// its node starts from, so a directory is either new or whole.
const (
	dbName        = "raft.db"
	keptSnapshots = 2
	// lockWait is how long another process may hold raft.db at start.
	lockWait = time.Second
)

var (
	// ErrLocked: another process has the directory open. Stop it first.
	ErrLocked = errors.New("in use by another process")
	// ErrForeign: the directory is another node's, or from another life of this
	// one. A node with a new id starts in a new directory.
	ErrForeign = errors.New("raft directory of another node")

	keyIdentity = []byte("identity")
)

// identity says whose Raft state it is. The log does not bear the cluster's id,
// and votes must never be mixed up.
type identity struct {
	cluster partition.ClusterID
	node    partition.NodeID
}

// encode returns an envelope with cluster id and node id.
func (i identity) encode() []byte {
	w := newWriter(16)
	w.id(uint64(i.cluster))
	w.id(uint64(i.node))
	return w.seal()
}

func (i identity) check(b []byte) error {
	r, err := openEnvelope(b)
	if err != nil {
		return err
	}
	found := identity{partition.ClusterID(r.id()), partition.NodeID(r.id())}
	if err := r.end(); err != nil {
		return err
	}
	if found != i {
		return fmt.Errorf("%w: node %v of cluster %v, this is node %v of cluster %v",
			ErrForeign, found.node, found.cluster, i.node, i.cluster)
	}
	return nil
}

// logStore is Raft's log and votes in one.
type logStore interface {
	raft.LogStore
	raft.StableStore
}

// stores is all that Raft keeps.
type stores struct {
	log   logStore
	snaps raft.SnapshotStore
	close func() error
}

// openStores opens dir, or memory if dir is empty. What is new gets the identity
// and what plant writes.
func openStores(dir string, id identity, plant func(logStore) error, logger hclog.Logger) (*stores, error) {
	if dir == "" {
		log := raft.NewInmemStore()
		if err := plant(log); err != nil {
			return nil, err
		}
		return &stores{log: log, snaps: &memorySnapshots{}, close: func() error { return nil }}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, dbName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := makeDB(dir, path, id, plant); err != nil {
			return nil, fmt.Errorf("make %s: %w", path, err)
		}
	} else if err != nil {
		return nil, err
	}
	db, err := openDB(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	snaps, err := openSnapshots(dir, db, id, logger)
	if err == nil {
		err = guardPanics(func() error {
			upto, err := checkWhole(db, snaps)
			if err == nil {
				err = dropCovered(db, upto)
			}
			return err
		})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), db.Close())
	}
	return &stores{log: db, snaps: snaps, close: db.Close}, nil
}

// Exists reports whether dir holds a Raft state that Open would go on with.
func Exists(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, dbName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func openSnapshots(dir string, db logStore, id identity, logger hclog.Logger) (raft.SnapshotStore, error) {
	b, err := db.Get(keyIdentity)
	switch {
	case errors.Is(err, raftboltdb.ErrKeyNotFound):
		return nil, fmt.Errorf("%w (it does not say whose it is)", ErrDamaged) // it was made with that
	case err != nil:
		return nil, fmt.Errorf("read identity: %w", err)
	}
	if err := id.check(b); err != nil {
		return nil, err
	}
	snaps, err := raft.NewFileSnapshotStoreWithLogger(dir, keptSnapshots, logger)
	if err != nil {
		return nil, err
	}
	return sealedSnapshots{snaps}, nil
}

func openDB(path string) (db checkedStore, err error) {
	if _, err := os.Stat(path); err == nil {
		if err := checkPages(path); err != nil {
			return db, openError(err)
		}
	}
	err = guardPanics(func() error {
		db.BoltStore, err = raftboltdb.New(raftboltdb.Options{
			Path: path, BoltOptions: &bbolt.Options{Timeout: lockWait},
		})
		return err
	})
	return db, openError(err)
}

// openError says what an error of bbolt's means.
func openError(err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w (%w)", ErrDamaged, err)
	}
	return err
}

// makeDB makes a raft.db, whole or not at all.
func makeDB(dir, path string, id identity, plant func(logStore) error) error {
	unfinished := path + ".new"
	// It never was anybody's: only a finished one casts votes.
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := openDB(unfinished)
	if err != nil {
		return err
	}
	err = errors.Join(plant(db), db.Set(keyIdentity, id.encode()), db.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(unfinished, path); err != nil {
		return err
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
