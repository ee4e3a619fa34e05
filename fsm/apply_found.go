package fsm

import (
	"errors"
	"fmt"

	"pipelinedht/partition"
)

// Bounds of Settings.
const (
	MaxPartitions = 65536
	MaxReplicas   = 7
)

// found is the first command of a log: a cluster is born of one node.
//
// Fields: cluster id; partitions uint; replicas uint; stamp uint; hash, name,
// address string.
type found struct {
	cluster       partition.ClusterID
	settings      partition.Settings
	stamp         partition.Stamp
	name, address string
}

func (*found) kind() commandKind { return kindFound }

func (f *found) encode(w *writer) {
	w.id(uint64(f.cluster))
	w.uint(uint64(f.settings.Partitions))
	w.uint(uint64(f.settings.Replicas))
	w.uint(uint64(f.stamp))
	w.string(f.settings.Hash)
	w.string(f.name)
	w.string(f.address)
}

func (f *found) decode(r *reader) {
	f.cluster = partition.ClusterID(r.id())
	f.settings.Partitions = int(r.uint())
	f.settings.Replicas = int(r.uint())
	f.stamp = partition.Stamp(r.uint())
	f.settings.Hash = r.string()
	f.name = r.string()
	f.address = r.string()
}

// apply is for a cluster that exists; the founding itself is birth.
func (*found) apply(*draft) Refusal { return ErrVoid }

// birth returns the first map: the founder has every partition, alone.
func (f *found) birth(h header) (*partition.Map, Refusal) {
	if f.cluster == 0 || h.proposer == 0 || !namable(f.name, f.address) || checkSettings(f.settings) != nil {
		return nil, ErrInvalid
	}
	only := []partition.NodeID{h.proposer}
	m := &partition.Map{
		Cluster:  f.cluster,
		Settings: f.settings,
		Version:  1,
		Stamp:    f.stamp,
		Peers: []partition.Peer{{
			ID: h.proposer, Name: f.name, Address: f.address, Incarnation: h.incarnation, UpAt: 1,
		}},
		Table: make([]partition.Row, f.settings.Partitions),
	}
	for i := range m.Table {
		m.Table[i] = partition.Row{Epoch: 1, Term: 1, Primary: h.proposer, InSync: only, Target: only, MinInSync: 1}
	}
	return m, 0
}

// checkSettings reports every fault of a cluster's settings.
func checkSettings(s partition.Settings) error {
	var errs []error
	if s.Partitions < 1 || s.Partitions > MaxPartitions {
		errs = append(errs, fmt.Errorf("%d partitions, want 1 to %d", s.Partitions, MaxPartitions))
	}
	if s.Replicas < 1 || s.Replicas > MaxReplicas {
		errs = append(errs, fmt.Errorf("%d replicas, want 1 to %d", s.Replicas, MaxReplicas))
	}
	if s.Hash != "xxhash64" {
		errs = append(errs, fmt.Errorf("hash %q, want \"xxhash64\"", s.Hash))
	}
	return errors.Join(errs...)
}

func namable(name, address string) bool {
	return name != "" && address != "" && len(name) <= maxString && len(address) <= maxString
}
