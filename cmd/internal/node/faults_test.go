package node

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"pipelinedht/partition"
)

// faults strike one cluster until they are ended, some at the same time.
type faults struct {
	c    *cluster
	main partition.ClusterID
	crew *crew // of the nodes with disks
	stop chan struct{}
	wg   sync.WaitGroup
	// Takes a token from each fault while it lasts. (Where a mutex is waited for,
	// simulated time stands still.)
	lasting chan struct{}

	mu     sync.Mutex
	counts map[string]int // keyed by fault.name
}

// faultsAtOnce is how many may strike at the same time.
const faultsAtOnce = 2

// fault is a kind of fault. strike lasts as long as the fault; it reports whether
// there was any.
type fault struct {
	name   string
	share  int // of all faults
	strike func(*faults, *rand.Rand) bool
}

var everyFault = []fault{
	{"connections cut", 12, (*faults).cut},
	{"pairs split", 6, (*faults).split},
	{"leaders isolated", 2, (*faults).isolateLeader},
	{"members cut off", 2, (*faults).cutOff},
	{"links slow", 3, (*faults).slowLink},
	{"nodes stopped", 3, (*faults).stopOne},
	{"nodes killed", 4, (*faults).killOne},
	{"all killed", 1, (*faults).killAll},
}

func startFaults(c *cluster, seed uint64, main partition.ClusterID, crew *crew) *faults {
	f := &faults{
		c:       c,
		main:    main,
		crew:    crew,
		stop:    make(chan struct{}),
		lasting: make(chan struct{}, faultsAtOnce),
		counts:  make(map[string]int),
	}
	for i := range uint64(faultsAtOnce) {
		f.wg.Add(1)
		c.tasks.Go(func() {
			defer f.wg.Done()
			f.run(rand.New(rand.NewPCG(seed, 200+i)))
		})
	}
	return f
}

func (f *faults) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var counts []string
	for _, name := range slices.Sorted(maps.Keys(f.counts)) {
		counts = append(counts, fmt.Sprintf("%s: %d", name, f.counts[name]))
	}
	return strings.Join(counts, ", ")
}

func (f *faults) run(r *rand.Rand) {
	shares := 0
	for _, kind := range everyFault {
		shares += kind.share
	}
	for f.sleep(r, time.Second, 30*time.Second) {
		n := r.IntN(shares)
		for _, kind := range everyFault {
			if n -= kind.share; n < 0 {
				f.strike(kind, r)
				break
			}
		}
	}
}

func (f *faults) strike(kind fault, r *rand.Rand) {
	f.lasting <- struct{}{}
	defer func() { <-f.lasting }()
	if kind.strike(f, r) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.counts[kind.name]++
	}
}

// member returns the address of a member; "" if none runs.
func (f *faults) member(r *rand.Rand) string {
	members := f.c.members(f.main)
	if len(members) == 0 {
		return ""
	}
	return members[r.IntN(len(members))] + ":1"
}

// cut breaks one connection in five.
func (f *faults) cut(r *rand.Rand) bool {
	return f.c.net.cut(func(string, string) bool { return r.IntN(5) == 0 }) > 0
}

// separate keeps two nodes apart, or, where b is "", a from all others, in one of
// the ways in which that happens: what they send is lost with the connections; it
// comes later; or that is so in one direction only.
func (f *faults) separate(r *rand.Rand, a, b string) (heal func()) {
	switch r.IntN(4) {
	case 0:
		return f.c.net.part(a, b)
	case 1:
		return f.c.net.hold(a, b)
	case 2:
		return f.c.net.hold(b, a)
	}
	return f.c.net.stall(a, b)
}

// split keeps two members apart for some seconds.
func (f *faults) split(r *rand.Rand) bool {
	a, b := f.member(r), f.member(r)
	if a == b {
		return false
	}
	defer f.separate(r, a, b)()
	f.sleep(r, 100*time.Millisecond, 10*time.Second)
	return true
}

// cutOff keeps a member apart from everybody: where both directions are held it
// is as if the member paused.
func (f *faults) cutOff(r *rand.Rand) bool {
	a := f.member(r)
	if a == "" {
		return false
	}
	defer f.separate(r, a, "")()
	f.sleep(r, 100*time.Millisecond, 10*time.Second)
	return true
}

// isolateLeader keeps the leader apart from everybody, for long enough that there
// is another one.
func (f *faults) isolateLeader(r *rand.Rand) bool {
	for _, name := range f.c.members(f.main) {
		if f.c.leads(name) {
			defer f.separate(r, name+":1", "")()
			f.sleep(r, 2*time.Second, 10*time.Second)
			return true
		}
	}
	return false
}

// leads reports whether the node runs and takes itself for Raft's leader.
func (c *cluster) leads(name string) bool {
	n := c.node(name)
	if n == nil {
		return false
	}
	l := n.life()
	id, ok := l.raft.Load().Leader()
	return ok && id == l.record.Node
}

// awaitVoters waits until three nodes or more vote, and all nodes know of it, so
// that Raft does without any one of them: a node refuses its vote to one that it
// does not know as a voter.
func (c *cluster) awaitVoters(names []string) {
	c.t.Helper()
	voters := func(name string) []partition.NodeID { return c.node(name).life().raft.Load().Status().Voters }
	c.eventually(time.Minute, "safe from the loss of a voter", func() error {
		led := false
		for _, name := range names {
			if v := voters(name); len(v) < 3 || !slices.Equal(v, voters(names[0])) {
				return fmt.Errorf("%s knows the voters %v", name, v)
			}
			led = led || c.leads(name)
		}
		if !led {
			return errors.New("there is no leader")
		}
		return nil
	})
}

// slowLink has one direction between two members take long.
func (f *faults) slowLink(r *rand.Rand) bool {
	a, b := f.member(r), f.member(r)
	if a == b {
		return false
	}
	defer f.c.net.delay(a, b, time.Duration(1+r.IntN(500))*time.Millisecond)()
	f.sleep(r, time.Second, 20*time.Second)
	return true
}

// stopOne stops a node in good order, or two.
func (f *faults) stopOne(r *rand.Rand) bool { return f.restart(r, 1+r.IntN(2), f.crew.stop) }

// killOne kills a node, or two.
func (f *faults) killOne(r *rand.Rand) bool { return f.restart(r, 1+r.IntN(2), f.crew.killOrLose(r)) }

// killAll kills all nodes that have disks.
func (f *faults) killAll(r *rand.Rand) bool {
	return f.restart(r, len(f.crew.names), f.crew.killOrLose(r))
}

// restart ends some of the nodes that have disks, and starts them again in any
// order.
func (f *faults) restart(r *rand.Rand, n int, end func(names []string) (start func(name string))) bool {
	var victims []string
	for _, i := range r.Perm(len(f.crew.names))[:n] {
		victims = append(victims, f.crew.names[i])
	}
	start := end(victims)
	r.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	for _, name := range victims {
		f.sleep(r, 100*time.Millisecond, 15*time.Second)
		start(name)
	}
	return true
}

// pause waits until no fault lasts, and has none strike until it is over.
func (f *faults) pause() (over func()) {
	for range faultsAtOnce {
		f.lasting <- struct{}{}
	}
	return func() {
		for range faultsAtOnce {
			<-f.lasting
		}
	}
}

// sleep waits between from and to, and reports whether to go on.
func (f *faults) sleep(r *rand.Rand, from, to time.Duration) bool {
	select {
	case <-time.After(from + time.Duration(r.Int64N(int64(to-from)))):
		return true
	case <-f.stop:
		return false
	case <-f.c.over:
		return false
	}
}

// end ends the faults; everything is healed then, and every node has been started.
func (f *faults) end() {
	close(f.stop)
	f.wg.Wait()
}
