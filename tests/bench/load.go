package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// answerWithin ends a round whose server has stopped answering.
const answerWithin = 30 * time.Second

// load is what a closed loop of clients sends, and to whom.
type load struct {
	address string
	keys    []string
	request func() *request // a new one for each connection
	servers []*process      // whose CPU time it takes
}

// sample is what came of one round of a load.
type sample struct {
	requests int
	refused  int           // of them, with a status other than 200
	elapsed  time.Duration // from the first request to the last answer
	cpu      time.Duration // of the servers
	latency  histogram
}

func (s *sample) rate() float64 { return float64(s.requests) / s.elapsed.Seconds() }

// cost returns the servers' microseconds of CPU a request.
func (s *sample) cost() float64 {
	return float64(s.cpu.Microseconds()) / float64(max(s.requests, 1))
}

// run drives the load for d on n connections.
func (l *load) run(ctx context.Context, n int, d time.Duration) (*sample, error) {
	conns, err := dialAll([]string{l.address}, n)
	if err != nil {
		return nil, err
	}
	defer closeAll(conns)
	defer context.AfterFunc(ctx, func() { closeAll(conns) })()
	before, err := cpuTime(l.servers)
	if err != nil {
		return nil, err
	}
	ownBefore, begun := ownCPU(), time.Now()
	samples, errs := make([]sample, n), make([]error, n)
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() { errs[i] = l.drive(c, &samples[i], begun.Add(d)) })
	}
	wg.Wait()
	total := sample{elapsed: time.Since(begun)}
	after, err := cpuTime(l.servers)
	if err := cmp.Or(append([]error{ctx.Err(), err}, errs...)...); err != nil {
		return nil, fmt.Errorf("load on %s: %w", l.address, err)
	}
	total.cpu = after - before
	for i := range samples {
		total.requests += samples[i].requests
		total.refused += samples[i].refused
		total.latency.merge(&samples[i].latency)
	}
	generator.cpu += ownCPU() - ownBefore
	generator.requests += total.requests
	return &total, nil
}

// drive sends one request after another until end.
func (l *load) drive(c *conn, s *sample, end time.Time) error {
	if err := c.SetDeadline(end.Add(answerWithin)); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	request := l.request()
	for sent := time.Now(); sent.Before(end); {
		if _, err := c.Write(request.with(l.keys[random.IntN(len(l.keys))], random)); err != nil {
			return err
		}
		status, err := c.answer()
		if err != nil {
			return err
		}
		now := time.Now()
		s.latency.add(now.Sub(sent))
		s.requests++
		if status != http.StatusOK {
			s.refused++
		}
		sent = now
	}
	return nil
}
