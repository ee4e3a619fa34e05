package traffic

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/harness"
	"pipelinedht/tests/register"
)

// Fate is what is known of a key that was written once.
type Fate uint8

const (
	Acknowledged Fate = iota // must be there, with its value
	Perhaps                  // may be there, with its value
	Never                    // every attempt surely failed: must not be there
)

// Once is the keys that were written once each. Safe for concurrent use.
type Once struct {
	mu    sync.Mutex
	fates map[string]Fate
}

func newOnce() *Once { return &Once{fates: make(map[string]Fate)} }

func (o *Once) set(key string, f Fate) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fates[key] = f
}

// Fates returns what is known of each key.
func (o *Once) Fates() map[string]Fate {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.fates)
}

// Keys returns the keys of a fate, sorted.
func (o *Once) Keys(of Fate) []string {
	var keys []string
	for key, f := range o.Fates() {
		if f == of {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// ValueOf returns the one value that is ever written to a key. Most are short;
// some are too long for the lane of small operations between nodes.
func ValueOf(key string) string {
	h := fnv.New32a()
	h.Write([]byte(key))
	dice := h.Sum32()
	size := 1
	switch {
	case dice%200 == 0:
		size = int(dice>>8) % (512 << 10)
	case dice%20 == 0:
		size = int(dice>>8) % (32 << 10)
	}
	text := "value of " + key + "\n"
	return strings.Repeat(text, size/len(text)+1)
}

// writeOnce writes one key after another, each through a random member that may
// be asked, until ctx ends.
func (t *Traffic) writeOnce(ctx context.Context, id int, members []*cluster.Member) {
	rng := t.random(2000 + uint64(id))
	clients := make([]*harness.Client, len(members))
	for i, m := range members {
		clients[i] = harness.NewClient(m.ClientAddress)
		defer clients[i].Close()
	}
	for n := 0; ctx.Err() == nil; n++ {
		key := fmt.Sprintf("once-%d-%05d", id, n)
		at := rng.IntN(len(members))
		verdict := t.put(members[at], clients[at], key)
		rest(ctx, rng, verdict)
	}
}

// put writes one key, unless the member may not be asked.
func (t *Traffic) put(m *cluster.Member, to *harness.Client, key string) register.Verdict {
	done, ok := m.TryUse()
	if !ok {
		return register.Failed
	}
	defer done()
	in := register.Input{Kind: register.Write, Key: key, Value: ValueOf(key)}
	t.Once.set(key, Perhaps)
	well := m.Well()
	a, err := register.Send(to, in)
	_, verdict, err := register.Judge(in, a, err)
	switch verdict {
	case register.Done:
		t.Once.set(key, Acknowledged)
	case register.Failed:
		t.Once.set(key, Never)
	}
	t.note(m, well && m.Well(), verdict, err)
	return verdict
}
