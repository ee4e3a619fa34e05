package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pipelinedht/httpapi/load"
)

const (
	// A copy keeps still for promise after a beacon of its primary, and these come
	// every beacon: so long after a kill a take-over is possible.
	promise = 1600 * time.Millisecond
	beacon  = 250 * time.Millisecond

	failoverKeys = 8192 // enough for nearly every partition to have one
)

// measureFailovers kills one node of three after the other, and then stops them,
// and has the partitions that they were primary for written through the others.
func measureFailovers(ctx context.Context, b *bench) error {
	c, err := b.startCluster(ctx, 3, 3, true)
	if err != nil {
		return err
	}
	defer c.close()
	if err := fill(ctx, c.nodes, load.Numbered(keyPrefix, failoverKeys), b.valueBytes); err != nil {
		return err
	}
	var all, each, held []time.Duration
	for i := range b.failovers {
		times, err := c.killed(ctx, i%len(c.nodes))
		if err != nil {
			return fmt.Errorf("kill %d: %w", i+1, err)
		}
		all, each = append(all, slices.Max(times)), append(each, times...)
	}
	for i := range b.failovers {
		longest, err := c.stopped(ctx, i%len(c.nodes))
		if err != nil {
			return fmt.Errorf("stop %d: %w", i+1, err)
		}
		held = append(held, longest)
	}
	b.printf("\nthree nodes, three copies, fsynced: one of them goes, %d times each\n", b.failovers)
	b.printf("%-46s %8s %8s %8s\n", "", "p50 s", "p99 s", "max s")
	b.printTimes("kill -9: until all its partitions are served", all)
	b.printTimes("kill -9: until one of them is", each)
	b.printf("%-46s %.2f to %.2f\n", "  of which its last promise runs for", (promise - beacon).Seconds(), promise.Seconds())
	b.printTimes("SIGTERM: the longest that a request takes", held)
	return nil
}

func (b *bench) printTimes(what string, times []time.Duration) {
	slices.Sort(times)
	at := func(q float64) float64 { return times[int(q*float64(len(times)-1)+0.5)].Seconds() }
	b.printf("%-46s %8.2f %8.2f %8.2f\n", what, at(0.50), at(0.99), at(1))
}

// killed kills a node and returns when each partition that it was primary for took
// a write through another one. Then it has the node back.
func (c *cluster) killed(ctx context.Context, victim int) ([]time.Duration, error) {
	o, err := c.newOutage(ctx, victim)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	c.nodes[victim].kill()
	times, err := o.servedAfter(ctx, began)
	if err != nil {
		return nil, err
	}
	return times, c.revive(ctx, victim)
}

// stopped stops a node, in good order, while its partitions are written through the
// others, and returns the longest that a write took. Then it has the node back.
func (c *cluster) stopped(ctx context.Context, victim int) (time.Duration, error) {
	o, err := c.newOutage(ctx, victim)
	if err != nil {
		return 0, err
	}
	longest, err := o.longestDuring(ctx, c.nodes[victim].stop)
	if err != nil {
		return 0, err
	}
	return longest, c.revive(ctx, victim)
}
