package failover_test

import (
	"encoding/json"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// The victim's own clients notice one broken request each, those of the others a
// pause; a frozen node's clients wait for it.
func TestOneNodeIsLost(t *testing.T) {
	kill, restart := (*harness.Node).Kill, (*harness.Node).Restart
	freeze, thaw := (*harness.Node).Freeze, (*harness.Node).Thaw
	for _, loss := range []struct {
		name       string
		nodes      int
		leader     bool // of Raft
		stop, goOn func(*harness.Node)
	}{
		{"Raft's leader of 3 nodes is killed", 3, true, kill, restart},
		{"a follower of 3 nodes is frozen", 3, false, freeze, thaw},
		{"Raft's leader of 5 nodes is frozen", 5, true, freeze, thaw},
		{"a follower of 5 nodes is killed", 5, false, kill, restart},
	} {
		t.Run(loss.name, func(t *testing.T) {
			t.Parallel()
			lose(t, loss.nodes, loss.leader, loss.stop, loss.goOn)
		})
	}
}

func lose(t *testing.T, size int, leader bool, stop, goOn func(*harness.Node)) {
	nodes := harness.DurableCluster(t, size)
	harness.AwaitSettled(t, nodes)
	traffic := startTraffic(t, nodes)
	victim := pick(t, nodes, leader)

	began := time.Now()
	stop(victim)
	traffic.awaitTurns(t, 1, victim)
	t.Logf("%v after its loss all keys had been served through the others", time.Since(began).Round(time.Millisecond))
	goOn(victim)
	harness.AwaitSettled(t, nodes)
	t.Logf("%v after its loss it had its share again", time.Since(began).Round(time.Millisecond))
	traffic.awaitTurns(t, 1)
	traffic.stop()
	traffic.report(t, victim, began)
	traffic.verify(t, nodes)
}

// pick returns the node that leads Raft, or the last one that does not.
func pick(t *testing.T, nodes []*harness.Node, leader bool) *harness.Node {
	t.Helper()
	for i := len(nodes) - 1; i >= 0; i-- {
		var status struct{ State string }
		a, err := nodes[i].Do("GET", "/dht/raft", nil)
		must(t, err)
		must(t, json.Unmarshal([]byte(a.Body), &status))
		if (status.State == "leader") == leader {
			return nodes[i]
		}
	}
	t.Fatalf("no node that leads Raft: %t", leader)
	return nil
}
