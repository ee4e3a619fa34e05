package main

import (
	"context"
	"time"

	"pipelinedht/httpapi/load"
)

// importPrefix keeps the keys that a joiner brings from those that are there.
const importPrefix = "own-"

// measureImport has a node that is full join three that are, in memory and on disk,
// with three copies.
func measureImport(ctx context.Context, b *bench) error {
	b.printf("\na node with %d keys of its own joins three with %d, three copies\n", b.importKeys, b.keys)
	if err := b.importInto(ctx, "in memory", false); err != nil {
		return err
	}
	return b.importInto(ctx, "fsynced", true)
}

func (b *bench) importInto(ctx context.Context, name string, durable bool) error {
	c, err := b.startFull(ctx, 3, durable)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.startNode(ctx); err != nil {
		return err
	}
	joiner := c.nodes[len(c.nodes)-1:]
	if err := fill(ctx, joiner, load.Numbered(importPrefix, b.importKeys), b.valueBytes); err != nil {
		return err
	}
	begun := time.Now()
	if err := c.join(ctx); err != nil {
		return err
	}
	took := time.Since(begun)
	b.printf("%-*s %8.2f s   %8.0f keys/s\n", nameWidth, name, took.Seconds(), float64(b.importKeys)/took.Seconds())
	return nil
}
