package fsm

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

var errBroken = errors.New("an earlier log entry could not be read")

// machine is the raft.FSM: it applies the log to the State and publishes it.
// Raft calls ApplyBatch, Snapshot and Restore from one goroutine (Restore also before
// that one runs); all else may be called from any.
type machine struct {
	self        partition.NodeID
	incarnation partition.Incarnation
	fatal       func(error)

	state atomic.Pointer[State]
	index atomic.Uint64 // of the last log entry applied
	// own is what became of this node's last command in this incarnation, for when
	// the state does not remember it: the node is no peer any more, or has been
	// started elsewhere. Nil: none was applied yet.
	own atomic.Pointer[progress]

	mapChanged signal // at each change of the map
	applied    signal // at each command and restore

	// Only Raft's goroutine touches these. broken: an entry could not be read, so
	// nothing is applied any more. restoreErr: of the last Restore.
	broken     bool
	restoreErr error
}

func newMachine(self partition.NodeID, inc partition.Incarnation, fatal func(error)) *machine {
	m := &machine{self: self, incarnation: inc, fatal: fatal}
	m.state.Store(&State{})
	return m
}

// Apply implements raft.FSM. The response is not used: see the package comment.
func (m *machine) Apply(entry *raft.Log) any { return m.ApplyBatch([]*raft.Log{entry})[0] }

// ApplyBatch implements raft.BatchingFSM. The state is published once, so the table is
// copied once: nobody sees those between.
func (m *machine) ApplyBatch(entries []*raft.Log) []any {
	state, own := m.state.Load(), false
	for _, entry := range entries {
		if m.broken || entry.Type != raft.LogCommand {
			continue
		}
		h, c, err := decodeCommand(entry.Data)
		if err != nil {
			// What cannot be read must not be skipped, or this node's maps would
			// differ from the others'.
			m.broken = true
			m.fatal(fmt.Errorf("log entry %d: %w", entry.Index, err))
			continue
		}
		var result Refusal
		state, result, _ = state.applyOwn(h, c, &own)
		m.index.Store(entry.Index)
		if h.proposer == m.self && h.incarnation == m.incarnation && result != ErrVoid {
			m.own.Store(&progress{h.incarnation, h.number, result})
		}
	}
	m.publish(state)
	return make([]any, len(entries))
}

// Snapshot implements raft.FSM.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	if m.broken {
		return nil, errBroken
	}
	return stateSnapshot{m.state.Load()}, nil
}

// Restore implements raft.FSM: the new state is built aside and swapped in.
func (m *machine) Restore(from io.ReadCloser) error {
	m.restoreErr = m.restore(from)
	return m.restoreErr
}

func (m *machine) restore(from io.Reader) error {
	if m.broken {
		return errBroken
	}
	b, err := io.ReadAll(from)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	s, err := decodeState(b)
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	m.publish(s)
	return nil
}

func (m *machine) publish(next *State) {
	was := m.state.Swap(next)
	if next.Map != was.Map {
		m.mapChanged.fire()
	}
	m.applied.fire()
}

// outcome returns what became of this node's command with that number, once that
// number or a later one has been applied.
func (m *machine) outcome(number uint64) (Refusal, bool) {
	last, ok := m.state.Load().progressOf(m.self)
	if !ok || last.incarnation != m.incarnation {
		own := m.own.Load()
		if own == nil {
			return 0, false
		}
		last = *own
	}
	switch {
	case last.number < number:
		return 0, false
	case last.number > number:
		return ErrVoid, true
	}
	return last.result, true
}

// stateSnapshot implements raft.FSMSnapshot; a State is immutable.
type stateSnapshot struct{ s *State }

// Persist writes the snapshot, while commands may be applied.
func (s stateSnapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := sink.Write(encodeState(s.s)); err != nil {
		return errors.Join(fmt.Errorf("write snapshot: %w", err), sink.Cancel())
	}
	return sink.Close()
}

// Release has nothing to free.
func (stateSnapshot) Release() {}
