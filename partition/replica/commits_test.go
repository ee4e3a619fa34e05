package replica

import (
	"reflect"
	"testing"
	"time"

	"pipelinedht/partition"
)

// told returns what a batch tells other nodes of commits.
func told(n *Node) (to []partition.NodeID, last *Commits) {
	b, _ := n.Batch()
	for _, m := range b.Messages {
		if c, ok := m.Message.(*Commits); ok {
			to, last = append(to, m.To), c
		}
	}
	return to, last
}

// Peers that have no copy are told, too: they may come to write. Those that are down
// will ask.
func TestAPrimaryTellsAllPeersHowFarItsPartitionsAre(t *testing.T) {
	m := onePartition(1)
	m.Peers = append(m.Peers, partition.Peer{ID: 4}, partition.Peer{ID: 5}, partition.Peer{ID: 6, State: partition.Down})
	n, now := served(m), start
	f := filler{T: t, n: n}
	for _, c := range []struct {
		entries int
		want    partition.Seq // 0: nobody is told
	}{{63, 0}, {1, 64}, {0, 0}, {63, 0}, {200, 327}} {
		f.write(c.entries, now)
		now += 50 * time.Millisecond
		n.Tick(now)
		to, got := told(n)
		if c.want == 0 {
			if got != nil {
				t.Errorf("%d entries: told %+v, want nothing", f.written, got)
			}
			continue
		}
		want := &Commits{Version: m.Version, Partitions: []Committed{{0, c.want}}}
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(n.Commits(), want) {
			t.Errorf("%d entries: told %+v, asked %+v, want %+v", f.written, got, n.Commits(), want)
		}
		if !reflect.DeepEqual(to, []partition.NodeID{4, 5}) {
			t.Errorf("%d entries: told to %v, want 4 and 5", f.written, to)
		}
	}
}

// What is not committed may be lost with the primary, and its sequence be given to the very
// write whose floor it was to be.
func TestNobodyIsToldOfWhatIsNotCommitted(t *testing.T) {
	m := onePartition(1)
	m.Peers = append(m.Peers, partition.Peer{ID: 4})
	n, now := served(m), start
	for counter := range uint64(100) {
		if accepted, _, err := n.Propose(Ticket(counter), putOp(counter+1), Seen{}, now, 1000); !accepted {
			t.Fatal(err)
		}
	}
	b, _ := n.Batch()
	now += 50 * time.Millisecond
	n.Tick(now)
	if _, got := told(n); got != nil || n.Commits().Partitions[0].Seq != 0 {
		t.Errorf("before it is stored: told %+v, asked %+v, want nothing", got, n.Commits())
	}
	n.Stored(b.Writes, now)
	now += 50 * time.Millisecond
	n.Tick(now)
	if _, got := told(n); got == nil || got.Partitions[0].Seq != 100 {
		t.Errorf("then: told %+v, want all 100", got)
	}
}
