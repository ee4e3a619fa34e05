package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Sweep carries out one operation on every key, once, as fast as it goes: it fills
// a table, or clears it. Requests are pipelined, which dialect and server must
// allow; a refused one is repeated, a few times.
type Sweep struct {
	Addresses   []string // host:port
	Dialect     Dialect  // nil: HTTP
	Connections int      // spread over the addresses in turn
	Op          Op
	Keys        Keys
	ValueBytes  int // of a value that is put, at least StampBytes
	// Watch, if set, is called once a second with how many keys are done.
	Watch func(done int)
}

// Run makes the sweep. With an error a part of it is undone. Where ctx ends first,
// what has been sent gets a moment to be answered, so that as little as possible is
// carried out after Run has returned.
func (s *Sweep) Run(ctx context.Context) error {
	if len(s.Addresses) == 0 || s.Connections < 1 {
		return errors.New("a sweep needs an address and a connection")
	}
	if err := checkKeys(s.Keys); err != nil {
		return err
	}
	var next, done atomic.Int64 // keys taken, and done, by their number
	if s.Watch != nil {
		defer s.follow(&done)()
	}
	group, running := errgroup.WithContext(ctx)
	for i := range s.Connections {
		group.Go(func() error {
			return s.lane(running, s.Addresses[i%len(s.Addresses)], &next, &done)
		})
	}
	if err := group.Wait(); err != nil {
		// A lane that ctx cut short may say that its connection timed out.
		err = cmp.Or(ctx.Err(), err)
		return fmt.Errorf("%s of %d keys: %w", s.Op, s.Keys.Count(), err)
	}
	return nil
}

// follow calls Watch until the function that it returns is called, which waits for
// the last call.
func (s *Sweep) follow(done *atomic.Int64) (end func()) {
	var follower sync.WaitGroup
	over := make(chan struct{})
	follower.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.Watch(int(done.Load()))
			case <-over:
				return
			}
		}
	})
	return func() {
		close(over)
		follower.Wait()
	}
}

// lane is one connection's part of the sweep.
func (s *Sweep) lane(ctx context.Context, address string, next, done *atomic.Int64) error {
	dialect := s.Dialect
	if dialect == nil {
		dialect = HTTP{}
	}
	speaker := dialect.Speaker(len(s.Keys.Append(nil, 0)), s.ValueBytes)
	c, err := dial(ctx, address, speaker, 0)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() {
		_ = c.SetDeadline(time.Now().Add(hurryWithin)) // fails if it is closed: as good
	})()
	p := pipeline{conn: c, speaker: speaker, op: s.Op, keys: s.Keys}
	ahead := int64(max(1, min(pipelineAhead, pipelineBytes/max(s.ValueBytes, 1))))
	count := int64(s.Keys.Count())
	for {
		first := next.Add(ahead) - ahead
		if first >= count {
			return nil
		}
		last := min(first+ahead, count)
		if err := p.carryOut(ctx, int(first), int(last)); err != nil {
			return err
		}
		done.Add(last - first)
	}
}
