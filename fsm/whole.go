package fsm

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// checkWhole reports ErrDamaged unless log and snapshots together tell everything
// from the beginning on, without a gap. (Raft panics where they do not.) It returns
// up to which entry the snapshots tell it, 0 if there is none.
func checkWhole(log logStore, snaps raft.SnapshotStore) (upto uint64, err error) {
	list, err := snaps.List()
	if err != nil {
		return 0, err
	}
	var faults []error
	term := uint64(0) // of entry upto
	for _, listed := range list {
		meta, content, err := snaps.Open(listed.ID) // which checks it
		if err == nil {
			upto, term, err = meta.Index, meta.Term, content.Close()
		}
		if err == nil {
			break
		}
		faults = append(faults, fmt.Errorf("snapshot %s: %w", listed.ID, err))
	}
	first, last, err := extent(log)
	if err != nil {
		return 0, err
	}
	if first > upto+1 || first == 0 && upto == 0 && len(list) > 0 {
		return 0, errors.Join(fmt.Errorf("%w (the log begins at entry %d, what can be read before that ends at %d)", ErrDamaged, first, upto), errors.Join(faults...))
	}
	if last > 0 || upto > 0 {
		if err := checkVote(log); err != nil {
			return 0, err
		}
	}
	return upto, checkEntries(log, first, last, upto, term)
}

// extent returns the first and the last entry of a log, 0 if it is empty.
func extent(log logStore) (first, last uint64, err error) {
	if first, err = log.FirstIndex(); err == nil {
		last, err = log.LastIndex()
	}
	return first, last, err
}

// checkEntries reads all entries of a log beside a snapshot that ends with entry
// upto, of that term. Entries before that one may be missing if it is missing itself:
// see dropCovered.
func checkEntries(log logStore, first, last, upto, term uint64) error {
	covered := false
	for index := last; index >= first && index > 0; index-- {
		var l raft.Log
		err := log.GetLog(index, &l)
		switch {
		case errors.Is(err, raft.ErrLogNotFound) && (covered || index == upto):
			covered = true
		case errors.Is(err, ErrDamaged):
			return err
		case err != nil:
			return fmt.Errorf("%w (log entry %d: %w)", ErrDamaged, index, err)
		case index == upto && l.Term != term:
			return fmt.Errorf("%w (log entry %d is not the snapshot's)", ErrDamaged, index)
		}
	}
	return nil
}

// dropCovered deletes from a log what is older than the snapshot beside it that ends
// with entry upto, unless the log has that entry. Then the snapshot was a leader's,
// and a crash came before Raft had deleted them. They need not be what was committed.
func dropCovered(log logStore, upto uint64) error {
	first, last, err := extent(log)
	if err != nil || first == 0 || first > upto {
		return err
	}
	err = log.GetLog(upto, new(raft.Log))
	if errors.Is(err, raft.ErrLogNotFound) {
		err = log.DeleteRange(first, min(last, upto))
	}
	return err
}

// checkVote reports ErrDamaged unless a store with a log has all of Raft's own
// values: one whose key is damaged would be taken for one that was never written.
// (A crash during the first vote leaves one for nobody, without a term.)
func checkVote(log logStore) error {
	there := func(key []byte) (bool, []byte, error) {
		v, err := log.Get(key)
		if errors.Is(err, raftboltdb.ErrKeyNotFound) {
			return false, nil, nil
		}
		return err == nil, v, err
	}
	term, _, err := there(keyTerm)
	if err != nil {
		return err
	}
	voted, _, err := there(keyVoteTerm)
	if err != nil {
		return err
	}
	chosen, candidate, err := there(keyVotedFor)
	if err != nil {
		return err
	}
	if !term || voted && !chosen || !voted && len(candidate) > 0 {
		return fmt.Errorf("%w (term or vote are missing)", ErrDamaged)
	}
	return nil
}
