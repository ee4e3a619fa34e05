package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"pipelinedht/httpapi/load"
)

// sample is what came of one round of a line.
type sample struct {
	*load.Result
	servers expense // NaN where it is not known
}

// expense is what a round took the servers.
type expense struct {
	cpu      float64 // seconds
	mallocs  float64 // objects allocated, with what they do when idle
	resident float64 // bytes of memory in use afterwards
}

func unknownExpense() expense { return expense{math.NaN(), math.NaN(), math.NaN()} }

// rate is the requests a second of a round.
func rate(s *sample) float64 { return s.Rate() }

// cost is the servers' microseconds of CPU a request.
func cost(s *sample) float64 { return s.servers.cpu * 1e6 / float64(max(s.Done(), 1)) }

// mallocs is the servers' allocations a request.
func mallocs(s *sample) float64 { return s.servers.mallocs / float64(max(s.Done(), 1)) }

// megabytes is the servers' memory.
func megabytes(s *sample) float64 { return s.servers.resident / 1e6 }

// latency returns a quantile of a round's latencies, in milliseconds.
func latency(q float64) func(*sample) float64 {
	return func(s *sample) float64 {
		return float64(s.Latencies().Quantile(q)) / float64(time.Millisecond)
	}
}

// drive drives a load for d and reads off what it took the servers.
func drive(ctx context.Context, l *load.Load, servers []*process, d time.Duration) (*sample, error) {
	m, err := startMeter(ctx, servers)
	if err != nil {
		return nil, err
	}
	ownBefore := ownCPU()
	result, err := l.Run(ctx, d)
	if err := errors.Join(ctx.Err(), err); err != nil {
		return nil, err
	}
	if result.Err != nil {
		return nil, fmt.Errorf("a connection broke: %w", result.Err)
	}
	generator.cpu += ownCPU() - ownBefore
	generator.requests += result.Done()
	spent, err := m.read(ctx)
	return &sample{result, spent}, err
}
