package fsm

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

// large returns the settled state of n peers and 65,536 partitions, three copies
// each.
func large(t testing.TB, n int) *State {
	l := born(t, MaxPartitions)
	m := l.Map
	for id := partition.NodeID(2); id <= partition.NodeID(n); id++ {
		m.Peers = append(m.Peers, partition.Peer{
			ID: id, Name: fmt.Sprintf("node%d", id), Address: fmt.Sprintf("10.0.%d.%d:9876", id/256, id%256),
			Incarnation: 1, JoinID: uint64(id), UpAt: 1,
		})
	}
	m.Version = 1 << 20
	for i, target := range partition.Plan(m) {
		m.Table[i] = partition.Row{
			Epoch: partition.Epoch(m.Version), Term: partition.Term(m.Version), Primary: target[0],
			InSync: sorted(target), Target: target, MinInSync: 2,
		}
	}
	s := &State{Map: m, last: make([]progress, n)}
	for i := range s.last {
		s.last[i] = progress{incarnation: 1, number: 100}
	}
	return s
}

// next returns the header of the peer's next command.
func next(s *State, id partition.NodeID) header {
	p, _ := s.Map.Peer(id)
	last, _ := s.progressOf(id)
	return header{id, p.Incarnation, last.number + 1}
}

// dropping returns the changes by which the primary drops one copy of each of
// the first n partitions that it leads.
func dropping(s *State, primary partition.NodeID, n int) *changeCopies {
	c := &changeCopies{}
	for i, row := range s.Map.Table {
		if row.Primary == primary && len(c.changes) < n {
			c.changes = append(c.changes, partition.Change{
				Partition: partition.ID(i), Epoch: row.Epoch, Primary: primary, InSync: sorted(row.Target[:2]),
			})
		}
	}
	return c
}

// BenchmarkApply1000x65536 carries one log entry out, from its bytes to the next
// state.
func BenchmarkApply1000x65536(b *testing.B) {
	s := large(b, 1000)
	down := func(id partition.NodeID) *State {
		s, _, _ := s.apply(next(s, 1), &peerState{id, 1, turnDown})
		return s
	}
	leaving, _, _ := s.apply(next(s, 1), &removePeer{500})
	for _, x := range []struct {
		name string
		on   *State
		by   partition.NodeID
		c    command
	}{
		{"AddPeer", s, 1, &addPeer{id: 5000, joinID: 5000, name: "new", address: "10.1.1.1:9876"}},
		{"RemovePeer", s, 1, &removePeer{500}},
		{"PeerDown", s, 1, &peerState{500, 1, turnDown}},
		{"PeerDown, another is down", down(400), 1, &peerState{500, 1, turnDown}},
		{"PeerReplaced", down(500), 1, &peerState{500, 1, turnReplaced}},
		{"PeerUp", s, 500, &peerUp{"10.1.1.1:9876"}},
		{"ChangeCopies of 1", s, 500, dropping(s, 500, 1)},
		{"ChangeCopies of 65", s, 500, dropping(s, 500, 65)},
		{"ChangeCopies of 65, while one leaves", leaving, 501, dropping(leaving, 501, 65)},
	} {
		h := next(x.on, x.by)
		if x.c.kind() == kindPeerUp {
			h.incarnation++
		}
		entry := encodeCommand(h, x.c)
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h, c, err := decodeCommand(entry)
				if err != nil {
					b.Fatal(err)
				}
				if next, result, _ := x.on.apply(h, c); result != 0 || next.Map == x.on.Map {
					b.Fatal(result)
				}
			}
			b.ReportMetric(float64(len(entry)), "entry-bytes")
		})
	}
}

// BenchmarkSnapshot1000x65536 is what Raft waits for when a snapshot is taken, and
// when one is read.
func BenchmarkSnapshot1000x65536(b *testing.B) {
	s := large(b, 1000)
	snapshot := encodeState(s)
	b.Run("persist", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encodeState(s)
		}
		b.ReportMetric(float64(len(snapshot)), "snapshot-bytes")
	})
	b.Run("restore", func(b *testing.B) {
		b.ReportAllocs()
		m := newMachine(1, 1, func(err error) { b.Fatal(err) })
		for b.Loop() {
			if err := m.Restore(io.NopCloser(bytes.NewReader(snapshot))); err != nil {
				b.Fatal(err)
			}
		}
	})
	// As many entries as there are between two snapshots, the cheapest of which
	// change the table.
	b.Run("restore and replay", func(b *testing.B) {
		entries := make([][]byte, snapshotEvery)
		for i := range entries {
			by := partition.NodeID(i%1000 + 1)
			h := next(s, by)
			h.number += uint64(i)
			entries[i] = encodeCommand(h, dropping(s, by, 1+i/1000))
		}
		logs := make([]*raft.Log, len(entries))
		for i, entry := range entries {
			logs[i] = &raft.Log{Index: uint64(i), Data: entry}
		}
		most := raft.DefaultConfig().MaxAppendEntries
		m := newMachine(1, 1, func(err error) { b.Fatal(err) })
		for b.Loop() {
			if err := m.Restore(io.NopCloser(bytes.NewReader(snapshot))); err != nil {
				b.Fatal(err)
			}
			for batch := range slices.Chunk(logs, most) {
				m.ApplyBatch(batch)
			}
		}
	})
}

func TestTheSnapshotOfTheLargestMapIsSmall(t *testing.T) {
	if n := len(encodeState(large(t, 5))); n > 32*MaxPartitions {
		t.Fatalf("%d bytes, %d a partition", n, n/MaxPartitions)
	}
}
