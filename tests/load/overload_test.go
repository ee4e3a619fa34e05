package load_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

const (
	mib = 1 << 20

	// What a node of the overloaded cluster takes in at a time.
	maxRequests = 8
	bodyMemory  = 8 * mib

	crowd       = 10 * 3 * maxRequests // connections, each with one request after another
	burst       = 100                  // more, once a second
	overloadFor = 12 * time.Second

	// memoryBound is what a node may hold: large values on their way in, the same
	// in the hands of the router and of the copies, and on their way to two others
	// and from them (PeerBytes of the copy protocol, and one value more, four
	// times), with as much again for the garbage collector to find; small ones, of
	// which every connection may hold one; the store's tables and cache; and what
	// an idle node takes.
	memoryBound = 2*(3*bodyMemory+4*(8+16)*mib+(crowd+burst)*64<<10) + 300*mib
)

// starved is how long a node must have been kept from running for the map to change:
// a beacon a quarter of a second, and silence of one second, leave it time.
const starved = 300 * time.Millisecond

// TestTenTimesMoreThanItCanServe has a crowd of clients ask without a pause, each
// on a connection of its own, and bursts of others on top. What is beyond the
// limits is refused, and the rest of the cluster does not notice.
func TestTenTimesMoreThanItCanServe(t *testing.T) {
	seed := harness.Seed(t)
	nodes := harness.DurableCluster(t, 3,
		"--max-requests", fmt.Sprint(maxRequests), "--max-body-memory", fmt.Sprint(bodyMemory), "--max-answer-memory", fmt.Sprint(bodyMemory),
		"--max-value", "1MiB", "--max-wait", "300ms")
	before := harness.AwaitSettled(t, nodes)
	terms := raftTerms(t, nodes)
	yield(t)
	memory := watchMemory(nodes)

	tally := newTally()
	end := time.Now().Add(overloadFor)
	for i := range crowd {
		address, name := nodes[i%len(nodes)].Address(), fmt.Sprintf("client-%d", i)
		tally.running.Go(func() { tally.insist(address, name, harness.Rand(seed, uint64(i)), end) })
	}
	each := time.NewTicker(time.Second)
	defer each.Stop()
	for i := 0; time.Now().Before(end); i++ {
		<-each.C
		for k := range burst {
			address, key := nodes[k%len(nodes)].Address(), fmt.Sprintf("burst-%d-%d", i, k)
			tally.running.Go(func() { tally.once(address, key) })
		}
	}
	tally.running.Wait()
	t.Log(tally)
	memory.end(t, memoryBound)

	after := harness.AwaitSettled(t, nodes)
	stall, err := harness.LongestStall(nodes)
	must(t, err)
	switch {
	case after.Version == before.Version:
	case stall < starved:
		t.Errorf("ring version: got %d after the load, want %d as before", after.Version, before.Version)
	default:
		t.Logf("the machine kept a node from running for %v: %d changes of the map", stall, after.Version-before.Version)
	}
	t.Logf("Raft's terms: %s before, %s after", terms, raftTerms(t, nodes))
	tally.verify(t, nodes)
}

// raftTerms returns the terms of Raft in which the nodes are.
func raftTerms(t *testing.T, nodes []*harness.Node) string {
	t.Helper()
	var terms []string
	for _, n := range nodes {
		var status struct{ Term uint64 }
		a, err := n.Do("GET", "/dht/raft", nil)
		must(t, err)
		must(t, json.Unmarshal([]byte(a.Body), &status))
		terms = append(terms, fmt.Sprint(status.Term))
	}
	return strings.Join(terms, " ")
}
