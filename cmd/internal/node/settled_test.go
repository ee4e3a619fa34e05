package node

import (
	"testing"

	"pipelinedht/partition"
)

func TestWhenANodeHasItsShare(t *testing.T) {
	type ids = []partition.NodeID
	peers := []partition.Peer{{ID: 1}, {ID: 2}, {ID: 3, State: partition.Down}, {ID: 4, State: partition.Replaced}, {ID: 5}}
	for _, tt := range []struct {
		name string
		row  partition.Row
		want bool
	}{
		{"all in place", partition.Row{Primary: 1, InSync: ids{1, 2}, Target: ids{1, 2}}, true},
		{"not there yet", partition.Row{Primary: 2, InSync: ids{2}, Target: ids{2, 1}}, false},
		{"not yet primary", partition.Row{Primary: 2, InSync: ids{1, 2}, Target: ids{1, 2}}, false},
		{"an old copy is still there", partition.Row{Primary: 1, InSync: ids{1, 2, 5}, Target: ids{1, 2}}, false},
		{"somebody else's", partition.Row{Primary: 2, InSync: ids{2}, Target: ids{2, 5}}, true},
		{"another target is down", partition.Row{Primary: 1, InSync: ids{1, 2}, Target: ids{1, 2, 3}}, true},
		{"another target is down, and this one not there yet", partition.Row{Primary: 2, InSync: ids{2}, Target: ids{2, 1, 3}}, false},
		{"another target is down, and this one is to hand over", partition.Row{Primary: 1, InSync: ids{1, 2}, Target: ids{2, 1, 3}}, false},
		{"it leads in place of a target that is down", partition.Row{Primary: 1, InSync: ids{1, 2}, Target: ids{3, 1, 2}}, true},
		{"it leads where it has no place in place of a target that is down", partition.Row{Primary: 1, InSync: ids{1, 2}, Target: ids{3, 2}}, false},
		{"nobody there who has the data", partition.Row{Primary: 3, InSync: ids{3, 4}, Target: ids{1, 2}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &partition.Map{Peers: peers, Table: []partition.Row{tt.row}}
			if got := settledFor(m, 1); got != tt.want {
				t.Errorf("settled for node 1: got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWhenAClusterIsSettled(t *testing.T) {
	type ids = []partition.NodeID
	whole := partition.Row{Primary: 1, InSync: ids{2, 1}, Target: ids{1, 2}}
	moving := partition.Row{Primary: 1, InSync: ids{1}, Target: ids{1, 2}}
	for _, tt := range []struct {
		name   string
		second partition.Peer
		row    partition.Row
		want   bool
	}{
		{"all in place", partition.Peer{ID: 2}, whole, true},
		{"a copy is missing", partition.Peer{ID: 2}, moving, false},
		{"a copy is missing of a dead peer", partition.Peer{ID: 2, State: partition.Down}, moving, true},
		{"importing", partition.Peer{ID: 2, Importing: true}, whole, false},
		{"dead while importing", partition.Peer{ID: 2, Importing: true, State: partition.Down}, whole, true},
		{"leaving", partition.Peer{ID: 2, State: partition.Leaving}, whole, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &partition.Map{Version: 7, Peers: []partition.Peer{{ID: 1}, tt.second}, Table: []partition.Row{whole, tt.row}}
			if got := calmAt(m, 7); got != tt.want {
				t.Errorf("at its version: got %v, want %v", got, tt.want)
			}
			if calmAt(m, 8) {
				t.Error("at a later version: got true, want false")
			}
		})
	}
}
