package main

import (
	"context"
	"fmt"
	"time"
)

// measureJoins has a fourth node join three full ones, which gives the memory of
// a key too.
func measureJoins(ctx context.Context, b *bench) error {
	for _, replicas := range []int{1, 3} {
		if err := b.measureJoin(ctx, replicas); err != nil {
			return fmt.Errorf("replicas %d: %w", replicas, err)
		}
	}
	return nil
}

func (b *bench) measureJoin(ctx context.Context, replicas int) error {
	fmt.Printf("\nthree nodes with %d keys, in memory, replicas %d\n", b.joinKeys, replicas)
	c, err := b.startCluster(ctx, 3, replicas, false)
	if err != nil {
		return err
	}
	defer c.close()
	empty, err := resident(c.nodes)
	if err != nil {
		return err
	}
	cpuBefore, err := cpuTime(c.nodes)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := c.fill(ctx, b.joinKeys, b.valueBytes); err != nil {
		return err
	}
	filled := time.Since(begun)
	cpuAfter, err := cpuTime(c.nodes)
	if err != nil {
		return err
	}
	full, err := resident(c.nodes)
	if err != nil {
		return err
	}
	keys := float64(b.joinKeys)
	fmt.Printf("%-34s %8.2f s   %8.0f keys/s  %.0f us of CPU a key\n", "PUT, pipelined, through all nodes",
		filled.Seconds(), keys/filled.Seconds(), float64((cpuAfter-cpuBefore).Microseconds())/keys)
	fmt.Printf("%-34s %8.0f MB  %8.0f bytes a key, %.0f a copy (empty: %.0f MB)\n", "memory of the nodes together",
		float64(full)/1e6, float64(full-empty)/keys, float64(full-empty)/keys/float64(replicas), float64(empty)/1e6)

	if err := c.startNode(ctx); err != nil {
		return err
	}
	begun = time.Now()
	if err := c.join(ctx); err != nil {
		return err
	}
	joined := time.Since(begun)
	share, err := c.copiesAt(ctx, len(c.nodes)-1)
	if err != nil {
		return err
	}
	moved := share * keys
	fmt.Printf("%-34s %8.2f s   %8.0f keys/s  %.0f keys (%.3f copies of all)\n", "a fourth node joins",
		joined.Seconds(), moved/joined.Seconds(), moved, share)
	return nil
}
