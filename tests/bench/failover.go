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

// measureFailovers kills one node of three after the other, stops them, and kills two
// of five at once, and has the partitions that they were primary for written through
// the others.
func measureFailovers(ctx context.Context, b *bench) error {
	if err := b.oneGoes(ctx); err != nil {
		return err
	}
	return b.twoGo(ctx)
}

// failoverCluster starts n nodes with data.
func (b *bench) failoverCluster(ctx context.Context, n int) (*cluster, error) {
	c, err := b.startCluster(ctx, n, 3, true)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, c.nodes, load.Numbered(keyPrefix, failoverKeys), b.valueBytes); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (b *bench) oneGoes(ctx context.Context) error {
	c, err := b.failoverCluster(ctx, 3)
	if err != nil {
		return err
	}
	defer c.close()
	all, each, err := c.killedAgain(ctx, 1)
	if err != nil {
		return err
	}
	var held []time.Duration
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

// twoGo kills pairs of neighbours, of which some have Raft's leader. A partition that
// both have a copy of takes no write before there is another copy.
func (b *bench) twoGo(ctx context.Context) error {
	c, err := b.failoverCluster(ctx, 5)
	if err != nil {
		return err
	}
	defer c.close()
	all, each, err := c.killedAgain(ctx, 2)
	if err != nil {
		return err
	}
	b.printf("\nfive nodes, three copies, fsynced: two of them go at once, %d times\n", b.failovers)
	b.printf("%-46s %8s %8s %8s\n", "", "p50 s", "p99 s", "max s")
	b.printTimes("kill -9: until all their partitions are served", all)
	b.printTimes("kill -9: until one of them is", each)
	return nil
}

// killedAgain kills so many nodes at once, again and again others. It returns how
// long it took each time until all their partitions were served, and how long each
// partition took.
func (c *cluster) killedAgain(ctx context.Context, count int) (all, each []time.Duration, err error) {
	for i := range c.bench.failovers {
		var victims []int
		for j := range count {
			victims = append(victims, (i+j)%len(c.nodes))
		}
		times, err := c.killed(ctx, victims...)
		if err != nil {
			return nil, nil, fmt.Errorf("kill %d: %w", i+1, err)
		}
		all, each = append(all, slices.Max(times)), append(each, times...)
	}
	return all, each, nil
}

func (b *bench) printTimes(what string, times []time.Duration) {
	slices.Sort(times)
	at := func(q float64) float64 { return times[int(q*float64(len(times)-1)+0.5)].Seconds() }
	b.printf("%-46s %8.2f %8.2f %8.2f\n", what, at(0.50), at(0.99), at(1))
}

// killed kills nodes at once and returns when each partition that they were primary
// for took a write through another one. Then it has the nodes back.
func (c *cluster) killed(ctx context.Context, victims ...int) ([]time.Duration, error) {
	o, err := c.newOutage(ctx, victims...)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	for _, v := range victims {
		c.nodes[v].kill()
	}
	times, err := o.servedAfter(ctx, began)
	if err != nil {
		return nil, err
	}
	return times, c.revive(ctx, victims...)
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
