package replica

import (
	"fmt"
	"testing"
	"time"

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

// Who is lost is sent what it has not acknowledged when it is heard of again.
func TestEntriesAreNotRepeatedToWhoIsLost(t *testing.T) {
	m := onePartition(1, 2)
	m.Settings.Partitions = 1
	m.Table[0].InSync = m.Table[0].Target
	n := New(Normal(1, 1), nil, start)
	n.SetMap(m, start)
	n.Receive(2, 1, &Position{Partition: 0, Term: 10}, start)
	n.Receive(2, 1, &Grant{Version: 10, Sent: start, Taken: 9}, start)
	if accepted, _, err := n.Propose(1, putOp(1), Seen{}, start, 1000); !accepted {
		t.Fatal(err)
	}
	now := start
	sent := func(d time.Duration) (times int) {
		for until := now + d; now < until; now += 50 * time.Millisecond {
			n.Tick(now)
			b, _ := n.Batch()
			for _, out := range b.Messages {
				if _, ok := out.Message.(*Append); ok && out.To == 2 {
					times++
				}
			}
		}
		return times
	}
	if got := sent(time.Second); got < 2 {
		t.Errorf("sent %d times in the first second, want some more than once", got)
	}
	sent(time.Second)
	if got := sent(time.Minute); got != 0 {
		t.Errorf("sent %d times to who is lost, want none", got)
	}
	n.Receive(2, 1, &Grant{Version: 10, Sent: now, Taken: 9}, now)
	if got := sent(time.Second); got == 0 {
		t.Error("sent nothing to who was heard of again")
	}
}
