package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime/debug"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// ErrDamaged, by Open: what Raft had stored is damaged or partly gone, so this
// node may have forgotten a vote, or entries that it vouched for. Nothing was
// changed.
var ErrDamaged = errors.New("the Raft directory is damaged: where the cluster has other members, start the node under its name with an empty data directory and let it join them, else restore the data directory from a backup")

// checkedStore gives what raft-boltdb stores a checksum, which neither it nor
// bbolt does: an entry's is in its Extensions, that of any other value follows it.
type checkedStore struct{ *raftboltdb.BoltStore }

// What Raft calls its own values.
var (
	keyTerm     = []byte("CurrentTerm")
	keyVoteTerm = []byte("LastVoteTerm")
	keyVotedFor = []byte("LastVoteCand")
)

// entrySum is of all that Raft goes by.
func entrySum(l *raft.Log) []byte {
	head := binary.BigEndian.AppendUint64(make([]byte, 0, 17), l.Index)
	head = append(binary.BigEndian.AppendUint64(head, l.Term), byte(l.Type))
	return binary.BigEndian.AppendUint32(nil, crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, l.Data))
}

func (s checkedStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

func (s checkedStore) StoreLogs(ls []*raft.Log) error {
	checked := make([]*raft.Log, len(ls))
	for i, l := range ls {
		entry := *l // Raft still uses the other
		entry.Extensions = entrySum(l)
		checked[i] = &entry
	}
	return s.BoltStore.StoreLogs(checked)
}

func (s checkedStore) GetLog(index uint64, l *raft.Log) error {
	if err := s.BoltStore.GetLog(index, l); err != nil {
		return err
	}
	if l.Index != index || !bytes.Equal(l.Extensions, entrySum(l)) {
		return fmt.Errorf("%w (log entry %d fails its checksum)", ErrDamaged, index)
	}
	l.Extensions = nil
	return nil
}

func valueSum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

func (s checkedStore) Set(key, value []byte) error {
	return s.BoltStore.Set(key, binary.BigEndian.AppendUint32(bytes.Clone(value), valueSum(key, value)))
}

func (s checkedStore) Get(key []byte) ([]byte, error) {
	v, err := s.BoltStore.Get(key)
	if err != nil {
		return nil, err
	}
	n := len(v) - crc32.Size
	if n < 0 || binary.BigEndian.Uint32(v[n:]) != valueSum(key, v[:n]) {
		return nil, fmt.Errorf("%w (%q fails its checksum)", ErrDamaged, key)
	}
	return v[:n], nil
}

// SetUint64 implements raft.StableStore. Raft writes the term of a vote first, and
// then whom it was for (v1.7.3). Whoever had the vote before must not be taken for
// that one after a crash in between: Raft would give it the vote again, without a
// look at how far its log reaches (hashicorp/raft issue 661). So there is nobody first.
func (s checkedStore) SetUint64(key []byte, value uint64) error {
	if bytes.Equal(key, keyVoteTerm) {
		if err := s.Set(keyVotedFor, nil); err != nil {
			return err
		}
	}
	return s.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

func (s checkedStore) GetUint64(key []byte) (uint64, error) {
	v, err := s.Get(key)
	if err != nil {
		return 0, err
	}
	if len(v) != 8 {
		return 0, fmt.Errorf("%w (%q has %d bytes)", ErrDamaged, key, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}

// guardPanics makes ErrDamaged of the panics that bbolt answers damaged pages
// with, and of the faults where its file is shorter than it says.
func guardPanics(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w (%v)", ErrDamaged, r)
		}
	}()
	return f()
}
