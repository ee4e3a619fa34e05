package host

import (
	"fmt"
	"slices"
	"sync/atomic"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// floor is the highest commit sequence heard of in a partition, for OpIDs to come.
// A partition that begins anew counts from the start: it gets another one.
//
// Any sequence that was committed before an operation is first sent will do as its
// floor, for the operation is not up to there. Only a late one will do where the
// operation is lost with its primary: the next one's log is to reach back to it.
type floor struct {
	commit atomic.Uint64
	// told is the node that last said, as the partition's primary, how far it is, while
	// the connection to that one stands, on which it says so as the partition gets on;
	// 0: none.
	told atomic.Uint64
}

// at returns the highest sequence heard of so far.
func (f *floor) at() partition.Seq { return partition.Seq(f.commit.Load()) }

// learn raises the floor.
func (f *floor) learn(commit partition.Seq) {
	for {
		old := f.commit.Load()
		if old >= uint64(commit) || f.commit.CompareAndSwap(old, uint64(commit)) {
			return
		}
	}
}

// current reports whether a primary has said how far the partition is, and goes on to.
func (f *floor) current(primary partition.NodeID) bool { return f.told.Load() == uint64(primary) }

// floorsFor returns the floors of m's view, by partition: those of the view before,
// but where a partition has begun anew since.
func floorsFor(old *view, m *partition.Map) []*floor {
	floors := slices.Clone(old.floors)
	if floors == nil {
		floors = make([]*floor, len(m.Table))
	}
	for p := range floors {
		if floors[p] == nil || old.m.Table[p].Born != m.Table[p].Born {
			floors[p] = new(floor)
		}
	}
	return floors
}

// heard takes in what a primary says of its partitions. It may not know yet that one
// has begun anew.
func (v *view) heard(from partition.NodeID, m *replica.Commits) {
	for _, c := range m.Partitions {
		if int(c.Partition) < len(v.floors) && v.m.Table[c.Partition].Born <= m.Version {
			f := v.floors[c.Partition]
			f.learn(c.Seq)
			f.told.Store(uint64(from))
		}
	}
}

// lost takes note that what a peer said of its partitions may not have arrived.
func (v *view) lost(peer partition.NodeID) {
	for _, f := range v.floors {
		f.told.CompareAndSwap(uint64(peer), 0)
	}
}

// askCommits asks a partition's primary, another node, how far its partitions are. Its
// errors are partition.ErrUnavailable: the question changes nothing.
func (h *Host) askCommits(t *trial, v *view, p partition.ID) error {
	reply, err := h.call(t, v, p, replica.Small, []byte{callCommits})
	if err != nil {
		return fmt.Errorf("%w: %v", partition.ErrUnavailable, err)
	}
	m, err := decodeCommits(reply)
	if err != nil {
		return fmt.Errorf("%w: %v", partition.ErrUnavailable, err)
	}
	primary := v.m.Table[p].Primary
	v.heard(primary, m)
	if !v.floors[p].current(primary) {
		return fmt.Errorf("%w: %s does not serve partition %d yet", partition.ErrUnavailable, nameOf(v.m, primary), p)
	}
	return nil
}
