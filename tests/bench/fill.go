package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fillConnections = 256 // spread over all nodes
	fillPipeline    = 16  // PUTs sent ahead of their answers on each
	fillTries       = 5   // for a PUT that was refused, each after fillPause
	fillPause       = 200 * time.Millisecond
)

// fill puts keys 0 to n-1 into a cluster, with pipelined PUTs through all nodes.
func (c *cluster) fill(ctx context.Context, n, valueBytes int) error {
	conns, err := dialAll(c.addresses(), fillConnections)
	if err != nil {
		return err
	}
	defer closeAll(conns)
	defer context.AfterFunc(ctx, func() { closeAll(conns) })()
	var next atomic.Int64 // key that nobody has taken yet
	errs := make([]error, len(conns))
	var wg sync.WaitGroup
	for i, conn := range conns {
		wg.Go(func() {
			f := filler{conn: conn, put: newPut(valueBytes), random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
			for {
				last := int(next.Add(fillPipeline))
				if last-fillPipeline >= n || errs[i] != nil {
					return
				}
				errs[i] = f.fill(last-fillPipeline, min(last, n))
			}
		})
	}
	wg.Wait()
	if err := cmp.Or(append([]error{ctx.Err()}, errs...)...); err != nil {
		return fmt.Errorf("fill with %d keys: %w", n, err)
	}
	return nil
}

// filler is one connection that fills.
type filler struct {
	*conn
	put    *request
	random *rand.Rand
	batch  []byte
}

// fill puts keys from first to before end.
func (f *filler) fill(first, end int) error {
	keys := make([]int, 0, fillPipeline)
	for n := first; n < end; n++ {
		keys = append(keys, n)
	}
	for range fillTries {
		refused, status, err := f.send(keys)
		if err != nil || len(refused) == 0 {
			return err
		}
		if status != http.StatusServiceUnavailable {
			return fmt.Errorf("PUT of %s: status %d", keyOf(refused[0]), status)
		}
		keys = refused
		time.Sleep(fillPause)
	}
	return fmt.Errorf("PUT of %s: refused %d times", keyOf(keys[0]), fillTries)
}

// send puts the keys and returns those that were refused, and the last's status.
func (f *filler) send(keys []int) (refused []int, last int, err error) {
	if err := f.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return nil, 0, err
	}
	f.batch = f.batch[:0]
	for _, n := range keys {
		f.batch = append(f.batch, f.put.with(keyOf(n), f.random)...)
	}
	if _, err := f.Write(f.batch); err != nil {
		return nil, 0, err
	}
	for _, n := range keys {
		status, err := f.answer()
		if err != nil {
			return nil, 0, err
		}
		if status != http.StatusOK {
			refused, last = append(refused, n), status
		}
	}
	return refused, last, nil
}
