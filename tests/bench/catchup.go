package main

import (
	"context"
	"fmt"
	"time"

	"pipelinedht/httpapi/load"
)

// fewMissed is the share of the keys, one in so many, that shows what a node's
// return takes whatever it has missed.
const fewMissed = 100

// Metrics of what a node has sent to other copies: from the store, beside
// transferredKeys, and what it still had in memory. Bytes are of keys and values.
const (
	transferredBytes = "dht_transfer_bytes_total"
	sentEntries      = "dht_entries_sent_total"
	sentEntryBytes   = "dht_entry_bytes_total"
)

// measureCatchUps is measureJoins with data directories and three copies; then one of
// the three nodes is killed, misses writes, and comes back: alone, and beside clients.
func measureCatchUps(ctx context.Context, b *bench) error {
	b.printf("\nthree nodes with %d keys, in data directories, replicas 3\n", b.catchUpKeys)
	c, err := b.startCluster(ctx, 3, 3, true)
	if err != nil {
		return err
	}
	defer c.close()
	keys := load.Numbered(keyPrefix, b.catchUpKeys)
	if err := b.measureJoin(ctx, c, keys); err != nil {
		return err
	}
	for _, missed := range []int{b.catchUpKeys / fewMissed, b.catchUpKeys} {
		if err := b.measureReturn(ctx, c, load.Numbered(keyPrefix, missed)); err != nil {
			return fmt.Errorf("%d writes missed: %w", missed, err)
		}
	}
	return b.measureReturnClients(ctx, c, keys)
}

// miss kills the last node, and puts keys through the others once these have noticed.
func (c *cluster) miss(ctx context.Context, keys load.Keys) error {
	others := c.nodes[:len(c.nodes)-1]
	c.nodes[len(others)].kill()
	for _, p := range others {
		if err := await(ctx, settleWithin, p.noticed); err != nil {
			return err
		}
	}
	return fill(ctx, others, keys, c.bench.valueBytes)
}

// measureReturn prints how long it takes from a node's start until it has all that it
// missed and its part of the work, and what the others sent for that, beside the time
// that the disk takes for as many bytes.
func (b *bench) measureReturn(ctx context.Context, c *cluster, missed load.Keys) error {
	if err := c.miss(ctx, missed); err != nil {
		return err
	}
	last := len(c.nodes) - 1
	others := c.nodes[:last]
	before, err := shipped(ctx, others)
	if err != nil {
		return err
	}
	memory, err := resetPeak(others)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := c.revive(ctx, last); err != nil {
		return err
	}
	took := time.Since(begun).Seconds()
	after, err := shipped(ctx, others)
	if err != nil {
		return err
	}
	sent := after.bytes + after.entryBytes - before.bytes - before.entryBytes
	disk, err := b.written(int(sent))
	if err != nil {
		return err
	}
	b.printf("%-*s %8.2f s   %8.1f MB/s    the others sent %.0f keys of transfers, %.0f entries, %.1f MB\n", nameWidth,
		fmt.Sprintf("a killed one is back, %d writes missed", missed.Count()), took, sent/1e6/took,
		after.keys-before.keys, after.entries-before.entries, sent/1e6)
	b.printf("  %-*s %8.2f s   %8.1f MB/s\n", nameWidth-2, "these MB to one file, fsynced", disk.Seconds(), sent/1e6/disk.Seconds())
	return b.printReturnMemory(c, memory)
}

// printReturnMemory prints what memory the last node's return took.
func (b *bench) printReturnMemory(c *cluster, before int64) error {
	last := len(c.nodes) - 1
	most, err := peak(c.nodes[:last])
	if err != nil {
		return err
	}
	own, err := peak(c.nodes[last:])
	if err != nil {
		return err
	}
	b.printMemory("memory of the larger of the others", most, before)
	b.printf("  %-*s %8.0f MB  at most\n", nameWidth-2, "memory of its own, from its start", float64(own)/1e6)
	return nil
}

// shipment is what nodes have sent to other copies so far.
type shipment struct{ keys, bytes, entries, entryBytes float64 }

func shipped(ctx context.Context, servers []*process) (s shipment, err error) {
	for name, total := range map[string]*float64{
		transferredKeys: &s.keys, transferredBytes: &s.bytes, sentEntries: &s.entries, sentEntryBytes: &s.entryBytes,
	} {
		if *total, err = sum(ctx, servers, name); err != nil {
			return s, err
		}
	}
	return s, nil
}

// measureReturnClients prints what clients of the others notice of a node that comes
// back and has missed a write of every key.
func (b *bench) measureReturnClients(ctx context.Context, c *cluster, keys load.Keys) error {
	last := len(c.nodes) - 1
	light := b.lightLoad(keys, c.nodes[:last])
	rest, back := &line{name: "at rest"}, &line{name: "while the killed one comes back"}
	for range b.rounds {
		s, err := light.Run(ctx, 2*b.time)
		if err != nil {
			return err
		}
		rest.samples = append(rest.samples, &sample{s, unknownExpense()})
		if err := c.miss(ctx, keys); err != nil {
			return err
		}
		if err := back.beside(ctx, light, func(ctx context.Context) error { return c.revive(ctx, last) }); err != nil {
			return err
		}
	}
	b.printClients(rest, back)
	return ctx.Err()
}
