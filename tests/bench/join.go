package main

import (
	"context"
	"fmt"
	"time"

	"pipelinedht/httpapi/load"
)

// measureJoins has a fourth node join three full ones and leave again, first alone
// and then beside clients. Filling them gives the memory of a key too.
func measureJoins(ctx context.Context, b *bench) error {
	for _, replicas := range []int{1, 3} {
		if err := b.measureJoinInMemory(ctx, replicas); err != nil {
			return fmt.Errorf("replicas %d: %w", replicas, err)
		}
	}
	return nil
}

func (b *bench) measureJoinInMemory(ctx context.Context, replicas int) error {
	b.printf("\nthree nodes with %d keys, in memory, replicas %d\n", b.joinKeys, replicas)
	c, err := b.startCluster(ctx, 3, replicas, false)
	if err != nil {
		return err
	}
	defer c.close()
	return b.measureJoin(ctx, c, load.Numbered(keyPrefix, b.joinKeys))
}

// measureJoin fills a cluster of three, and has a fourth node join it and leave.
func (b *bench) measureJoin(ctx context.Context, c *cluster, keys load.Keys) error {
	if err := b.measureFill(ctx, c, keys); err != nil {
		return err
	}
	if err := c.startNode(ctx); err != nil {
		return err
	}
	if err := b.measureMove(ctx, c, "a fourth node joins", c.join); err != nil {
		return err
	}
	if err := b.measureMove(ctx, c, "it leaves", c.leave); err != nil {
		return err
	}
	return b.measureClients(ctx, c, keys)
}

// measureFill fills the cluster and prints how long that takes and what memory.
func (b *bench) measureFill(ctx context.Context, c *cluster, keys load.Keys) error {
	empty, err := resident(c.nodes)
	if err != nil {
		return err
	}
	m, err := startMeter(ctx, c.nodes)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := fill(ctx, c.nodes, keys, b.valueBytes); err != nil {
		return err
	}
	filled := time.Since(begun)
	spent, err := m.read(ctx)
	if err != nil {
		return err
	}
	n := float64(keys.Count())
	more := (spent.resident - float64(empty)) / n
	b.printf("%-*s %8.2f s   %8.0f keys/s  %.0f us of CPU, %.1f mallocs a key\n", nameWidth, "PUT, pipelined, through all nodes",
		filled.Seconds(), n/filled.Seconds(), spent.cpu*1e6/n, spent.mallocs/n)
	b.printf("%-*s %8.0f MB  %8.0f bytes a key, %.0f a copy (empty: %.0f MB)\n", nameWidth, "memory of the nodes together",
		spent.resident/1e6, more, more/float64(c.replicas), float64(empty)/1e6)
	return nil
}
