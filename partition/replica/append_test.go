package replica

import (
	"fmt"
	"testing"

	"pipelinedht/partition"
)

// What is beyond the lane's largest body goes another way, and out of order: every
// write of the node would wait for the resending.
func TestEntriesOfManyPartitionsFitTheirLane(t *testing.T) {
	const (
		partitions = 4
		value      = largeEntry - 200 // one that still goes by Small
		smallBody  = 1 << 20          // transport's limit for a message there
	)
	m := onePartition(1, 2)
	m.Settings.Partitions = partitions
	m.Table[0].InSync = m.Table[0].Target
	for len(m.Table) < partitions {
		m.Table = append(m.Table, m.Table[0])
	}
	n := New(Normal(1, 1), nil, start)
	n.SetMap(m, start)
	for id := range partition.ID(partitions) {
		n.Receive(2, 1, &Position{Partition: id, Term: 10}, start)
	}
	n.Receive(2, 1, &Grant{Version: 10, Sent: start, Taken: 9}, start)
	n.Batch()
	for each := 1; each <= 6; each++ {
		want := [partitions]int{each, each + 1, each, each + 2}
		for i, taken := 0, [partitions]int{}; taken != want; i++ {
			key := fmt.Appendf(nil, "%d-%d", each, i)
			id := partition.Of(key, partitions)
			if taken[id] == want[id] {
				continue
			}
			taken[id]++
			op := &partition.Op{
				ID: partition.OpID{Node: 7, Incarnation: 1, Counter: uint64(1000*each + i)}, Attempt: 1, Term: 10,
				Kind: partition.OpPut, Key: key, Value: make([]byte, value),
			}
			if accepted, _, err := n.Propose(Ticket(i), op, Seen{}, start, 1000); !accepted {
				t.Fatal(err)
			}
		}
		b, _ := n.Batch()
		for _, out := range b.Messages {
			if size := len(AppendMessage(nil, out.Message)); out.Lane == Small && size+4 > smallBody {
				t.Errorf("entries in each partition %v: a message of %d bytes, at most %d may go by Small", want, size, smallBody)
			}
		}
	}
}
