package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	idleNodes = 5
	// settleFor lets a cluster come to rest after its last join.
	settleFor = 10 * time.Second
)

// growths are what may grow.
var growths = []part{
	{"nodes", measureNodes}, {"idle", measureIdle}, {"start", measureStart}, {"map", measureMap},
}

func growthNames() (names []string) {
	for _, g := range growths {
		names = append(names, g.name)
	}
	return names
}

// measureGrowth is what more nodes, more partitions and more keys cost.
func measureGrowth(ctx context.Context, b *bench) error {
	for _, g := range growths {
		if !slices.Contains(b.growth, g.name) {
			continue
		}
		if err := g.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return nil
}

// measureIdle prints the CPU of nodes that nobody asks anything.
func measureIdle(ctx context.Context, b *bench) error {
	c, err := b.startCluster(ctx, idleNodes, 3, false)
	if err != nil {
		return err
	}
	defer c.close()
	if err := pause(ctx, settleFor); err != nil {
		return err
	}
	before := make([]time.Duration, len(c.nodes))
	for i, n := range c.nodes {
		if before[i], err = cpuTime([]*process{n}); err != nil {
			return err
		}
	}
	if err := pause(ctx, b.idle); err != nil {
		return err
	}
	b.printf("\n%d idle nodes of 1024 partitions, for %v (aim: 1 %% of a core)\n", len(c.nodes), b.idle)
	for i, n := range c.nodes {
		after, err := cpuTime([]*process{n})
		if err != nil {
			return err
		}
		bytes, err := resident([]*process{n})
		if err != nil {
			return err
		}
		b.printf("node %d %8.2f %% of a core %6.0f MB\n", i+1, 100*(after-before[i]).Seconds()/b.idle.Seconds(), float64(bytes)/1e6)
	}
	return nil
}

// pause waits, or returns why it did not.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
