package host

import (
	"slices"
	"sync/atomic"

	"pipelinedht/partition"
)

// floor is the highest commit sequence heard of in a partition, for OpIDs to come.
// A partition that begins anew counts from the start: it gets another one.
type floor struct{ commit atomic.Uint64 }

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
