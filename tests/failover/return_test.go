package failover_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pipelinedht/tests/harness"
)

// sent is what nodes have sent to other copies, by transfer and as it was written.
type sent struct {
	records, keys, bytes, entries, snapshots int
}

func (s sent) minus(before sent) sent {
	return sent{s.records - before.records, s.keys - before.keys, s.bytes - before.bytes, s.entries - before.entries, s.snapshots - before.snapshots}
}

// sentBy adds up what the nodes say.
func sentBy(t *testing.T, nodes []*harness.Node) (all sent) {
	t.Helper()
	for _, n := range nodes {
		type transfers struct{ Begun, Records, Keys, Bytes int }
		var status struct {
			Copies struct {
				Totals struct {
					Deltas, Snapshots, Recoveries transfers
					EntriesSent                   int `json:"entries_sent"`
				}
			}
		}
		a, err := n.Do("GET", "/dht/status", nil)
		must(t, err)
		must(t, json.Unmarshal([]byte(a.Body), &status))
		totals := status.Copies.Totals
		for _, k := range []transfers{totals.Deltas, totals.Snapshots, totals.Recoveries} {
			all.records += k.Records
			all.keys += k.Keys
			all.bytes += k.Bytes
		}
		all.entries += totals.EntriesSent
		all.snapshots += totals.Snapshots.Begun
	}
	return all
}

// TestANodeThatReturnsGetsWhatItMissed, and not everything.
func TestANodeThatReturnsGetsWhatItMissed(t *testing.T) {
	t.Parallel()
	const (
		stored = 3000
		missed = 150
	)
	value := strings.Repeat("v", 1000)
	nodes := harness.DurableCluster(t, 3)
	pairs := make(harness.Pairs)
	for i := range stored {
		pairs[fmt.Sprintf("key-%d", i)] = value
	}
	harness.Load(t, pairs, nodes...)
	harness.AwaitSettled(t, nodes)

	victim, rest := nodes[2], nodes[:2]
	victim.Kill()
	for i := range missed {
		key := fmt.Sprintf("key-%d", i)
		pairs[key] = value + "again"
		harness.Await(t, turnWithin, key+" can be written", func() error { return rest[i%2].Put(key, pairs[key]) })
	}
	before := sentBy(t, rest)
	victim.Restart()
	harness.AwaitSettled(t, nodes)
	// What the victim has sent since its start is what it sent as primary again.
	got := sentBy(t, nodes).minus(before)
	t.Logf("of %d keys it missed %d: sent to it %d log records, %d keys, %d bytes in transfers and %d entries besides",
		stored, missed, got.records, got.keys, got.bytes, got.entries)
	if copies := got.keys + got.entries; copies < missed || copies > 3*missed {
		t.Errorf("got %d keys and entries sent, want %d, or a few more", copies, missed)
	}
	if got.bytes > 3*missed*len(value) {
		t.Errorf("got %d bytes of keys and values sent, want about %d", got.bytes, missed*len(value))
	}
	if got.snapshots > 0 {
		t.Errorf("%d partitions were sent whole", got.snapshots)
	}
	harness.Verify(t, pairs, nodes...)
}
