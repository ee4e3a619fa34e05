package linearizability_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// members says which nodes are in the cluster now. Clients ask any of them.
//
// A leaver is asked up to the end of its leave. Its last answers may come from
// the lonely node that it has become, whose ring versions begin anew: an answer
// below the version that the cluster had when the leave began is such a one. It
// tells nothing about the cluster; a write in it comes along at the next join,
// if nothing later overwrote the key: it is a write of unknown outcome. Conditions
// are not sent to a leaver: a lonely node judges them on its own state.
type members struct {
	mu  sync.RWMutex // guards all; out belongs to the test's goroutine
	all []*member
	out []*harness.Node
}

// member is one stay of a node in the cluster.
type member struct {
	*harness.Node
	// floor is the ring version when the leave began, 0 before. Whoever judges
	// an answer loads it after the answer: the leave may have begun meanwhile.
	floor atomic.Uint64
}

func newMembers(in, out []*harness.Node) *members {
	m := &members{out: out}
	for _, n := range in {
		m.all = append(m.all, &member{Node: n})
	}
	return m
}

// pick returns one of the members.
func (m *members) pick(rng *rand.Rand) *member {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.all[rng.IntN(len(m.all))]
}

// ask has f send requests to one of the members, which stays one meanwhile.
func (m *members) ask(rng *rand.Rand, f func(to *member)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	f(m.all[rng.IntN(len(m.all))])
}

func (m *members) nodes() []*harness.Node {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var nodes []*harness.Node
	for _, one := range m.all {
		nodes = append(nodes, one.Node)
	}
	return nodes
}

// join brings in a random node that is out, by way of a random member.
func (m *members) join(t *testing.T, rng *rand.Rand) {
	t.Helper()
	at := rng.IntN(len(m.out))
	joiner, via := m.out[at], m.pick(rng)
	begun := time.Now()
	if err := joiner.Join(via.Contact()); err != nil {
		t.Fatalf("%s joins through %s: %v", joiner.Name, via.Name, err)
	}
	t.Logf("%s joined through %s in %v", joiner.Name, via.Name, time.Since(begun).Round(time.Millisecond))
	m.out = slices.Delete(m.out, at, at+1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, &member{Node: joiner})
}

// leave sends a random member away.
func (m *members) leave(t *testing.T, rng *rand.Rand) {
	t.Helper()
	at := rng.IntN(len(m.all))
	leaver := m.all[at]
	before, err := leaver.Ring()
	must(t, err)
	leaver.floor.Store(before.Version)

	begun := time.Now()
	if err := leaver.Leave(); err != nil {
		t.Fatalf("%s leaves: %v", leaver.Name, err)
	}
	t.Logf("%s left in %v", leaver.Name, time.Since(begun).Round(time.Millisecond))
	m.mu.Lock()
	m.all = slices.Delete(m.all, at, at+1)
	m.mu.Unlock()
	m.out = append(m.out, leaver.Node)

	after, err := leaver.Ring()
	must(t, err)
	if after.Version >= before.Version {
		t.Fatalf("%s alone is at ring version %d, not below %d: its answers cannot be told from the cluster's",
			leaver.Name, after.Version, before.Version)
	}
}
