package failpoint

import (
	"fmt"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/harness"
	"pipelinedht/tests/register"
	"pipelinedht/tests/request"
)

const (
	// changedWithin bounds how long the map may take to show what a fault must
	// bring about.
	changedWithin = 60 * time.Second
	// askEvery is the pause of a client that asks for one partition only: a copy
	// that is half a second behind is so by a few hundred entries.
	askEvery = 2 * time.Millisecond
)

// row is one partition of a settled cluster, whose faults are made for it.
type row struct {
	scene   *Scene
	copies  []*cluster.Member // the primary first, then as they may take over
	witness *cluster.Member   // is asked for the map: Raft's leader, unless it is to be in the dark
	id      int
	place   string // a key of the partition that nobody writes
	mark    uint32 // tells this row's keys from those of other faults
	keys    int    // made so far
}

// pick returns a random partition whose leader and copies suit, and has a fault
// upon its copies from now on. nil: there is none.
func (s *Scene) pick(suits func(leader *cluster.Member, copies []*cluster.Member) bool) (*row, error) {
	leader, err := s.Cluster.Leader()
	if err != nil {
		return nil, err
	}
	ring, err := leader.Ring()
	if err != nil {
		return nil, err
	}
	if err := ring.Unsettled(); err != nil {
		s.Log("not now: %v", err)
		return nil, nil
	}
	names, members := make(map[string]string), make(map[string]*cluster.Member)
	for _, p := range ring.Peers {
		names[p.ID] = p.Name
	}
	for _, m := range s.Cluster.Well() {
		members[m.Name] = m
	}
	for _, id := range s.Rng.Perm(len(ring.Table)) {
		r := &row{scene: s, witness: leader, id: id, mark: s.Rng.Uint32()}
		for _, copy := range ring.Table[id].Target {
			if m := members[names[copy]]; m != nil {
				r.copies = append(r.copies, m)
			}
		}
		if len(r.copies) == cluster.Replicas && suits(leader, r.copies) {
			r.place = r.key("place")
			return r, nil
		}
	}
	s.Log("no partition's copies suit")
	return nil, nil
}

// afflict notes that the fault is upon the copies; recovered, that it is over.
func (r *row) afflict() (recovered func()) {
	for _, m := range r.copies {
		m.Afflict()
	}
	return func() {
		for _, m := range r.copies {
			m.Recovered()
		}
	}
}

// key makes up a key of the partition. For one goroutine at a time.
func (r *row) key(prefix string) string {
	for {
		key := fmt.Sprintf("%s-%08x-%d", prefix, r.mark, r.keys)
		r.keys++
		if xxhash.Sum64String(key)%uint64(r.scene.Cluster.Partitions) == uint64(r.id) {
			return key
		}
	}
}

// await waits until the witness's map shows of the partition what it should.
func (r *row) await(what string, shows func(*harness.Place) bool) error {
	err := harness.Poll(changedWithin, func() error {
		place, err := r.witness.Place(r.place)
		if err == nil && !shows(place) {
			err = fmt.Errorf("partition %d: %+v", r.id, place)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("wait until %s: %w", what, err)
	}
	return nil
}

// awaitServed waits until a read of the partition is answered through a node.
func (r *row) awaitServed(through *cluster.Member) error {
	return harness.PollEvery(probeAgain, servedWithin, func() error {
		_, _, err := through.Get(r.place)
		return err
	})
}

// write writes keys of the partition once each, through a node, until stop is
// called, which waits for the last answer.
func (r *row) write(through *cluster.Member) (stop func()) {
	return repeat(through, func(client *harness.Client) {
		// What is known of the key is noted, an error with it.
		_, _ = r.scene.Once.Put(client, r.key("once-row"))
	})
}

// again asks a node for registers, as client id, until stop is called, which waits
// for the last answer.
func (r *row) again(through *cluster.Member, id int, next func(n int) register.Input) (stop func()) {
	n := 0
	return repeat(through, func(client *harness.Client) {
		r.ask(client, id, next(n))
		n++
	})
}

// repeat calls f with a client of a node until stop is called, which waits for the
// last call.
func repeat(through *cluster.Member, f func(*harness.Client)) (stop func()) {
	var running sync.WaitGroup
	client, stopped := through.NewClient(), make(chan struct{})
	running.Go(func() {
		defer client.Close()
		for {
			select {
			case <-stopped:
				return
			case <-time.After(askEvery):
			}
			f(client)
		}
	})
	return sync.OnceFunc(func() {
		close(stopped)
		running.Wait()
	})
}

// ask has a client of a node read or write a register, and notes what it is told.
func (r *row) ask(client *harness.Client, id int, in register.Input) request.Verdict {
	h := r.scene.History
	called := h.Now()
	a, err := request.Send(client, in)
	out, verdict, _ := request.Judge(in, a, err)
	if verdict != request.Failed {
		h.Record(probeClient+id, in, out, called)
	}
	return verdict
}
