package fsm

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// memorySnapshots is a raft.SnapshotStore that keeps the newest whole snapshot
// in memory. (Raft's own in-memory one shows a snapshot before it is written.)
type memorySnapshots struct {
	mu   sync.Mutex
	last *memorySnapshot // nil: none
}

// memorySnapshot is immutable.
type memorySnapshot struct {
	meta raft.SnapshotMeta
	data []byte
}

// Create implements raft.SnapshotStore.
func (m *memorySnapshots) Create(version raft.SnapshotVersion, index, term uint64,
	configuration raft.Configuration, configurationIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &memorySink{store: m, meta: raft.SnapshotMeta{
		Version:            version,
		ID:                 fmt.Sprintf("%d-%d", term, index),
		Index:              index,
		Term:               term,
		Configuration:      configuration,
		ConfigurationIndex: configurationIndex,
	}}, nil
}

// List implements raft.SnapshotStore.
func (m *memorySnapshots) List() ([]*raft.SnapshotMeta, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		return nil, nil
	}
	meta := m.last.meta
	return []*raft.SnapshotMeta{&meta}, nil
}

// Open implements raft.SnapshotStore.
func (m *memorySnapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil || m.last.meta.ID != id {
		return nil, nil, fmt.Errorf("no snapshot %s any more", id)
	}
	meta := m.last.meta
	return &meta, io.NopCloser(bytes.NewReader(m.last.data)), nil
}

// memorySink collects a snapshot, which is there once it is closed.
type memorySink struct {
	store *memorySnapshots
	meta  raft.SnapshotMeta
	data  bytes.Buffer
	over  bool // closed or cancelled
}

func (s *memorySink) ID() string                  { return s.meta.ID }
func (s *memorySink) Write(p []byte) (int, error) { return s.data.Write(p) }

func (s *memorySink) Cancel() error {
	s.over = true
	return nil
}

func (s *memorySink) Close() error {
	if s.over {
		return nil
	}
	s.over = true
	s.meta.Size = int64(s.data.Len())
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.last = &memorySnapshot{meta: s.meta, data: s.data.Bytes()}
	return nil
}
