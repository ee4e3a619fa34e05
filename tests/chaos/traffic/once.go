package traffic

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/harness"
	"pipelinedht/tests/register"
	"pipelinedht/tests/request"
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

// writeOnce writes one key after another, each through a random node that may be
// asked, until the traffic stops.
func (t *Traffic) writeOnce(id int) {
	rng := t.random(2000 + uint64(id))
	clients := make(map[*cluster.Member]*harness.Client)
	for n := 0; t.ctx.Err() == nil; n++ {
		t.mu.Lock()
		m := t.members[rng.IntN(len(t.members))]
		t.mu.Unlock()
		if clients[m] == nil {
			clients[m] = m.NewClient()
			defer clients[m].Close()
		}
		t.rest(rng, t.put(m, clients[m], fmt.Sprintf("once-%d-%05d", id, n)))
	}
}

// loaders is how many requests of Load are under way at once.
const loaders = 8

// Load writes so many keys once, through all nodes, none of which has a fault.
func (t *Traffic) Load(count int) error {
	t.mu.Lock()
	members := t.members
	t.mu.Unlock()
	clients := make([]*harness.Client, len(members))
	for i, m := range members {
		clients[i] = m.NewClient()
		defer clients[i].Close()
	}
	keys := make([]string, count)
	for i := range keys {
		keys[i] = fmt.Sprintf("once-loaded-%05d", i)
	}
	return harness.EachKey(keys, loaders, func(i int, key string) error {
		_, err := t.Once.Put(clients[i%len(clients)], key)
		return err
	})
}

// put writes one key, unless the node may not be asked.
func (t *Traffic) put(m *cluster.Member, to *harness.Client, key string) request.Verdict {
	done, ok := m.TryUse()
	if !ok {
		return request.Failed
	}
	defer done()
	unharmed := m.Watch()
	verdict, err := t.Once.Put(to, key)
	t.note(m, unharmed(), verdict, err)
	return verdict
}

// Put writes the key's value and notes what is known of it. The error is nil with
// request.Done only.
func (o *Once) Put(to *harness.Client, key string) (request.Verdict, error) {
	in := register.Input{Kind: register.Write, Key: key, Value: ValueOf(key)}
	o.set(key, Perhaps)
	a, err := request.Send(to, in)
	_, verdict, err := request.Judge(in, a, err)
	switch verdict {
	case request.Done:
		o.set(key, Acknowledged)
	case request.Failed:
		o.set(key, Never)
	}
	return verdict, err
}
