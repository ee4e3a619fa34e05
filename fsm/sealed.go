package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/hashicorp/raft"
)

// sealedSnapshots has every snapshot begin with a checksum of what Raft knows it by:
// where in the log it stands, and the configuration. Raft's own store on disk keeps
// that as JSON, without one: with one digit of the index damaged a node would pass
// over entries, and its maps differ from the others' for ever.
type sealedSnapshots struct{ raft.SnapshotStore }

const sealSize = crc32.Size

func sealOf(index, term uint64, c raft.Configuration, configurationIndex uint64) []byte {
	be := binary.BigEndian
	b := be.AppendUint64(be.AppendUint64(be.AppendUint64(nil, index), term), configurationIndex)
	for _, s := range c.Servers {
		b = append(b, byte(s.Suffrage))
		for _, text := range []string{string(s.ID), string(s.Address)} {
			b = append(be.AppendUint32(b, uint32(len(text))), text...)
		}
	}
	return be.AppendUint32(nil, crc32.Checksum(b, castagnoli))
}

// Create implements raft.SnapshotStore.
func (s sealedSnapshots) Create(version raft.SnapshotVersion, index, term uint64,
	configuration raft.Configuration, configurationIndex uint64, trans raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.SnapshotStore.Create(version, index, term, configuration, configurationIndex, trans)
	if err != nil {
		return nil, err
	}
	if _, err := sink.Write(sealOf(index, term, configuration, configurationIndex)); err != nil {
		return nil, errors.Join(err, sink.Cancel())
	}
	return sink, nil
}

// Open implements raft.SnapshotStore. ErrDamaged: the seal is not that of the
// snapshot.
func (s sealedSnapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, content, err := s.SnapshotStore.Open(id)
	if err != nil {
		return nil, nil, err
	}
	seal := make([]byte, sealSize)
	if _, err = io.ReadFull(content, seal); err == nil && !bytes.Equal(seal, sealOf(meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex)) {
		err = fmt.Errorf("%w (the description of snapshot %s)", ErrDamaged, id)
	}
	if err != nil {
		return nil, nil, errors.Join(err, content.Close())
	}
	unsealed := *meta
	unsealed.Size -= sealSize
	return &unsealed, content, nil
}

// List implements raft.SnapshotStore. It leaves out those that are damaged, for Raft
// sends others the first of the list, unless all are: then they are for Open to say so.
func (s sealedSnapshots) List() ([]*raft.SnapshotMeta, error) {
	list, err := s.SnapshotStore.List()
	if err != nil {
		return nil, err
	}
	var whole []*raft.SnapshotMeta
	for _, meta := range list {
		if _, content, err := s.Open(meta.ID); err == nil {
			whole = append(whole, meta)
			content.Close() // it was only read
		}
	}
	if len(whole) == 0 {
		return list, nil
	}
	return whole, nil
}
