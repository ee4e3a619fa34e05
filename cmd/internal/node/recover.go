package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/fsm"
	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// recoveredPrefix begins the name that the Raft directory of a cluster which was
// given up gets, beside its former one.
const recoveredPrefix = "recovered-"

// ErrNothingLost is returned by OpenRecovery for a data directory that needs no
// recovery, or cannot have one. The text says what to do instead.
var ErrNothingLost = errors.New("nothing to recover")

// Recovery makes a data directory whose cluster has lost its Raft majority for ever
// one of a cluster of its own, with the copies that it can vouch for. It holds the
// directory until Close.
type Recovery struct {
	Name    string
	Cluster partition.ClusterID // that is given up
	Peers   []partition.Peer    // of it, this one included
	// Joining: the node stands alone and was about to join that cluster, of which it
	// holds nothing. That is given up, and it has all that it had; Peers and the
	// following are not known.
	Joining bool
	// Version of the newest map that this node had heard of, and where its Raft log
	// ended: of several nodes, the one with the later log knows more.
	Version   partition.Version
	RaftTerm  uint64
	RaftIndex uint64

	Partitions int
	// Missing are the partitions of which no copy is kept: this node was not in the
	// in-sync set, or its copy is damaged.
	Missing []partition.ID

	dir   string
	store *storage.Store
	state state
	moves map[partition.ID]partition.Origin
	stamp partition.Stamp
}

// OpenRecovery reads a data directory, and changes nothing in it. Errors:
// ErrNothingLost, storage.ErrLocked or fsm.ErrLocked while the node runs,
// ErrNewerState, ErrNoRaft.
func OpenRecovery(dir string, log *slog.Logger) (*Recovery, error) {
	if info, err := os.Stat(storeDir(dir)); err != nil {
		return nil, fmt.Errorf("%s is not the data directory of a node: %w", dir, err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is not the data directory of a node: %w", dir, storage.ErrNotDirectory)
	}
	store, err := storage.Open(storage.Options{Dir: storeDir(dir), FS: vfs.Default, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	r := &Recovery{dir: dir, store: store}
	if err := r.assess(log); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return r, nil
}

// Close lets go of the directory.
func (r *Recovery) Close() error { return r.store.Close() }

// assess finds out what there is to recover.
func (r *Recovery) assess(log *slog.Logger) error {
	text, ok, err := r.store.Meta(stateKey)
	switch {
	case err != nil:
		return fmt.Errorf("read the node's state: %w", err)
	case !ok:
		return fmt.Errorf("%w: the directory is new", ErrNothingLost)
	}
	if err := json.Unmarshal(text, &r.state); err != nil {
		return fmt.Errorf("read the node's state: %w", err)
	}
	if r.state.Format > stateFormat {
		return ErrNewerState
	}
	r.Name, r.Cluster = r.state.Name, r.state.Life.Cluster
	if join := r.state.Join; join != nil {
		r.Joining, r.Cluster, r.Partitions = true, join.Life.Cluster, r.state.Life.Settings.Partitions
		return nil
	}
	raftDir, err := r.raftDir()
	if err != nil {
		return err
	}
	record, err := fsm.Inspect(raftDir, r.Cluster, r.state.Life.Node, log)
	if err != nil {
		return err
	}
	m := record.Map
	switch {
	case m == nil:
		return fmt.Errorf("%w: the node had not heard of any map yet", ErrNothingLost)
	case !isPeer(m, r.state.Life.Node):
		return fmt.Errorf("%w: the node is no peer of its cluster any more: start it; dht leave has it stand alone with its data", ErrNothingLost)
	case len(m.Peers) == 1:
		return fmt.Errorf("%w: the node stands alone: start it", ErrNothingLost)
	}
	r.Version, r.RaftTerm, r.RaftIndex = m.Version, record.Term, record.Index
	r.Peers, r.Partitions = m.Peers, len(m.Table)
	return r.choose(m)
}

func isPeer(m *partition.Map, id partition.NodeID) bool {
	_, ok := m.Peer(id)
	return ok
}

// raftDir returns where the life's Raft state is: under a name of its own if an
// earlier recovery was cut short.
func (r *Recovery) raftDir() (string, error) {
	if !r.state.Life.Risen {
		return "", fmt.Errorf("%w: the node has not been started since it stands alone, or since it joined: start it", ErrNothingLost)
	}
	for _, dir := range []string{raftDirIn(r.dir, r.state.Life.Generation), r.setAside()} {
		there, err := fsm.Exists(dir)
		if err != nil || there {
			return dir, err
		}
	}
	return "", fmt.Errorf("%w; it says, too, which copies here are whole", ErrNoRaft)
}

// setAside is where the Raft state of the life is put.
func (r *Recovery) setAside() string { return setAsideIn(r.dir, r.state.Life.Generation) }

func setAsideIn(data string, g storage.Generation) string {
	return filepath.Join(data, recoveredPrefix+filepath.Base(raftDirIn(data, g)))
}

// choose picks the copies that are kept: those that were in sync by the newest map
// that this node has, and that are whole.
func (r *Recovery) choose(m *partition.Map) error {
	copies, err := r.store.Copies(r.state.Life.Generation)
	if err != nil {
		return fmt.Errorf("list the copies: %w", err)
	}
	held := make(map[partition.ID]storage.Copy, len(copies))
	r.stamp = max(partition.Stamp(time.Now().UnixMicro()), m.Stamp)
	for _, c := range copies {
		held[c.Partition] = c
		r.stamp = max(r.stamp, c.Position.Stamp)
	}
	origin := partition.Origin{Cluster: r.Cluster, Stamp: r.stamp}
	r.moves = make(map[partition.ID]partition.Origin)
	for i := range m.Table {
		id, row := partition.ID(i), &m.Table[i]
		c, there := held[id]
		void := row.Born != 0 && c.Position.Last.Term < partition.Term(row.Born) && c.Position.Last.Seq > 0
		switch {
		case !slices.Contains(row.InSync, r.state.Life.Node), there && (c.Position.Mark != nil || void):
			r.Missing = append(r.Missing, id)
		case there: // else nothing was ever written to it
			r.moves[id] = origin
		}
	}
	return nil
}

// CarryOut makes the directory that of a node which stands alone, in a new cluster and
// under a new id, with the copies that are kept; the others are deleted. The former
// Raft directory is set aside under another name. Cut short at any point it is to be
// done again, from OpenRecovery on.
func (r *Recovery) CarryOut() error {
	if r.Joining {
		s := r.state
		s.Join = nil
		if err := r.store.SetMeta(s.meta()); err != nil {
			return fmt.Errorf("store the node's state: %w", err)
		}
		return nil
	}
	// First the Raft state: without it the node cannot be started as what it was.
	from, to := raftDirIn(r.dir, r.state.Life.Generation), r.setAside()
	if err := os.Rename(from, to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("set the Raft directory aside: %w", err)
	}
	if err := syncDir(r.dir); err != nil {
		return fmt.Errorf("set the Raft directory aside: %w", err)
	}
	old := r.state.Life
	s := r.state.alone(founder{Stamp: r.stamp, Kept: true})
	s.Recovered = append(slices.Clone(s.Recovered), r.Cluster)
	meta := s.meta()
	meta[bookKey(old.Generation)] = nil
	if err := r.store.MoveCopies(old.Generation, s.Life.Generation, r.moves, meta); err != nil {
		return fmt.Errorf("keep the node's copies: %w", err)
	}
	return nil
}
