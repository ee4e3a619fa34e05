package partition_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"

	"pipelinedht/partition"
)

// Nodes of different releases in one cluster compute the same plan for the same
// map, or their maps part for ever. If this test fails, Plan has changed: keep the
// old one and let the log say from which entry on the new one is used.
func TestPlanNeverChanges(t *testing.T) {
	w := newWorld(7, 512, 3)
	for _, step := range []struct {
		name   string
		change func()
		want   uint64
	}{
		{"first plan", func() {}, 0x3a3cab65414a368a},
		{"a join", func() { w.settle(every); w.join() }, 0x268578993a3d209f},
		{"three joins on the way", func() { w.join(); w.join(); w.join() }, 0x9fa4d75c33d3666e},
		{"two leave half way", func() {
			w.settle(func(p int) bool { return p%2 == 0 })
			w.set(w.Peers[1].ID, partition.Leaving)
			w.set(w.Peers[5].ID, partition.Leaving)
		}, 0x9ae4387a0d9faf1},
		{"one is replaced after a take-over", func() {
			for p := range w.Table {
				w.Table[p].Primary = w.Table[p].InSync[p%3]
			}
			w.set(w.Peers[3].ID, partition.Replaced)
		}, 0x43beecce3f5f43eb},
		{"it returns", func() { w.set(w.Peers[3].ID, partition.Active) }, 0x7a4919a49733e49a},
		{"all but four leave", func() {
			for i := range len(w.Peers) - 4 {
				w.set(w.Peers[i].ID, partition.Leaving)
			}
		}, 0xa221d41d02b16a30},
	} {
		step.change()
		w.plan()
		if got := sum(w.targets()); got != step.want {
			t.Errorf("%s: got targets with sum %#x, want %#x", step.name, got, step.want)
		}
	}
}

// sum hashes targets: each its length and ids, little endian.
func sum(targets [][]partition.NodeID) uint64 {
	var bytes []byte
	for _, target := range targets {
		bytes = binary.LittleEndian.AppendUint64(bytes, uint64(len(target)))
		for id := range slices.Values(target) {
			bytes = binary.LittleEndian.AppendUint64(bytes, uint64(id))
		}
	}
	return xxhash.Sum64(bytes)
}
