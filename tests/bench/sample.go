package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pipelinedht/httpapi/load"
)

// sample is what came of one round of a load.
type sample struct {
	*load.Result
	cpu time.Duration // of the servers
}

// cost returns the servers' microseconds of CPU a request.
func (s *sample) cost() float64 {
	return float64(s.cpu.Microseconds()) / float64(max(s.Done(), 1))
}

// take drives a load for d and reads off what it took the servers.
func take(ctx context.Context, l *load.Load, servers []*process, d time.Duration) (*sample, error) {
	before, err := cpuTime(servers)
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
	after, err := cpuTime(servers)
	if err != nil {
		return nil, err
	}
	generator.cpu += ownCPU() - ownBefore
	generator.requests += result.Done()
	return &sample{result, after - before}, nil
}
