package node

import (
	"fmt"
	"math"
	"testing"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
	"pipelinedht/transport"
)

// What an in-sync copy may lack when its primary dies goes to it in one message.
// Where that did not fit, the partition would never be served again.
func TestWhatAnInSyncCopyMayLackFitsOneMessage(t *testing.T) {
	most := MostPartitionFlight
	const each = 128 // what Flight counts beside key and value
	for _, c := range []struct{ key, value int }{{1, 0}, {100, 0}, {4 << 10, 0}, {64 << 10, 0}, {1, 1 << 20}, {64 << 10, 1 << 20}} {
		t.Run(fmt.Sprintf("keys of %d bytes, values of %d", c.key, c.value), func(t *testing.T) {
			label := partition.Label{Term: math.MaxUint64, Seq: math.MaxUint64 >> 1}
			chunk := &replica.Chunk{Last: true, Head: &replica.ChunkHead{After: label}}
			key, value := make([]byte, c.key), make([]byte, c.value)
			for range most / (c.key + c.value + each) {
				chunk.Head.Records = append(chunk.Head.Records, partition.LogRecord{
					Label: label, Kind: partition.EntryPut, Key: key, Stamp: math.MaxUint64 >> 1,
					Op: partition.OpID{Node: math.MaxUint64, Incarnation: 1 << 20, Counter: 1 << 40},
				})
				chunk.Values = append(chunk.Values, partition.KeyState{
					Key: key, Found: true, Record: partition.Record{Stamp: math.MaxUint64 >> 1, Value: value},
				})
			}
			const length = 4 // in front of each message
			if got, limit := len(replica.AppendMessage(nil, chunk))+length, transport.Bulk.MaxBody(); got > limit {
				t.Errorf("%d bytes, a message has at most %d", got, limit)
			}
		})
	}
}
