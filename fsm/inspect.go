package fsm

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

// Record is what a Raft directory says of its cluster. It is as old as the last
// that its node heard, and may end with what the cluster never agreed on.
type Record struct {
	Map   *partition.Map // after the last entry; nil: none had come yet
	Index uint64         // of the last entry
	Term  uint64         // Raft's, of the last entry
}

// Inspect reads the Raft directory of a node that does not run, and changes
// nothing. Entries count whether or not they are known to be committed: Raft does
// not write that down. Errors: ErrLocked, ErrForeign, ErrNewerFormat, those of the
// file system.
func Inspect(dir string, cluster partition.ClusterID, self partition.NodeID, log *slog.Logger) (Record, error) {
	record, err := inspect(dir, identity{cluster, self}, log)
	if err != nil {
		return Record{}, fmt.Errorf("read %s: %w", dir, err)
	}
	return record, nil
}

func inspect(dir string, id identity, log *slog.Logger) (record Record, err error) {
	db, err := openDB(filepath.Join(dir, dbName))
	if err != nil {
		return record, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	snaps, err := openSnapshots(dir, db, id, newRaftLogger(log))
	if err != nil {
		return record, err
	}
	state, record, err := newestSnapshot(snaps)
	if err != nil {
		return record, err
	}
	last, err := db.LastIndex()
	if err != nil {
		return record, err
	}
	own := true
	for i := record.Index + 1; i <= last; i++ {
		var entry raft.Log
		if err := db.GetLog(i, &entry); err != nil {
			return record, fmt.Errorf("log entry %d: %w", i, err)
		}
		record.Index, record.Term = entry.Index, entry.Term
		if entry.Type != raft.LogCommand {
			continue
		}
		h, c, err := decodeCommand(entry.Data)
		if err != nil {
			return record, fmt.Errorf("log entry %d: %w", i, err)
		}
		state, _, _ = state.applyOwn(h, c, &own)
	}
	record.Map = state.Map
	return record, nil
}

// newestSnapshot returns the state of the newest snapshot that can be read, and
// where it stands; an empty state where there is none.
func newestSnapshot(snaps raft.SnapshotStore) (*State, Record, error) {
	list, err := snaps.List()
	if err != nil {
		return nil, Record{}, err
	}
	var faults []error
	for _, meta := range list {
		s, err := readSnapshot(snaps, meta.ID)
		if err == nil {
			return s, Record{Index: meta.Index, Term: meta.Term}, nil
		}
		faults = append(faults, fmt.Errorf("snapshot %s: %w", meta.ID, err))
	}
	return &State{}, Record{}, errors.Join(faults...)
}

func readSnapshot(snaps raft.SnapshotStore, id string) (*State, error) {
	_, from, err := snaps.Open(id)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(from)
	if err := errors.Join(err, from.Close()); err != nil {
		return nil, err
	}
	return decodeState(b)
}
