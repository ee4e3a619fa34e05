package node

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"pipelinedht/partition"
)

// faults cuts connections, keeps nodes apart and takes Raft's leader away, until
// it is ended.
type faults struct {
	c    *cluster
	r    *rand.Rand
	main partition.ClusterID
	stop chan struct{}
	wg   sync.WaitGroup

	cuts, splits, leaders int
}

func startFaults(c *cluster, seed uint64, main partition.ClusterID) *faults {
	f := &faults{c: c, r: rand.New(rand.NewPCG(seed, 200)), main: main, stop: make(chan struct{})}
	f.wg.Go(f.run)
	return f
}

func (f *faults) String() string {
	return fmt.Sprintf("%d connections cut, %d pairs split, %d leaders isolated", f.cuts, f.splits, f.leaders)
}

func (f *faults) run() {
	for f.sleep(time.Second, 20*time.Second) {
		switch n := f.r.IntN(10); {
		case n < 6:
			f.cuts += f.c.net.cut(func(string, string) bool { return f.r.IntN(5) == 0 })
		case n < 9:
			f.split()
		default:
			f.isolateLeader()
		}
	}
}

// split keeps two members apart for some seconds; they are told, or not.
func (f *faults) split() {
	members := f.c.members(f.main)
	i, j := f.r.IntN(len(members)), f.r.IntN(len(members))
	if i == j {
		return
	}
	separate := f.c.net.part
	if f.r.IntN(2) == 0 {
		separate = f.c.net.stall
	}
	heal := separate(members[i]+":1", members[j]+":1")
	f.splits++
	f.sleep(100*time.Millisecond, 10*time.Second)
	heal()
}

// isolateLeader keeps the leader apart from everybody, for long enough that there
// is another one.
func (f *faults) isolateLeader() {
	members := f.c.members(f.main)
	var leader string
	for _, name := range members {
		if n := f.c.node(name); n != nil {
			if id, ok := n.life().raft.Load().Leader(); ok && id == n.life().record.Node {
				leader = name
			}
		}
	}
	if leader == "" {
		return
	}
	f.leaders++
	separate := f.c.net.part
	if f.r.IntN(2) == 0 {
		separate = f.c.net.stall
	}
	for _, name := range members {
		if name != leader {
			defer separate(leader+":1", name+":1")()
		}
	}
	f.sleep(2*time.Second, 10*time.Second)
}

// sleep waits between from and to, and reports whether to go on.
func (f *faults) sleep(from, to time.Duration) bool {
	select {
	case <-time.After(from + time.Duration(f.r.Int64N(int64(to-from)))):
		return true
	case <-f.stop:
		return false
	}
}

// end ends the faults; everything is healed then.
func (f *faults) end() {
	close(f.stop)
	f.wg.Wait()
}
