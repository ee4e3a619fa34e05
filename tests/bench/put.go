package main

import (
	"context"
	"fmt"

	"pipelinedht/httpapi/load"
)

// measurePuts compares PUT at a key's primary with one and with three copies, in
// memory and fsynced, with a server that forgets what it is told, and with each
// other. There are three nodes in every cluster.
func measurePuts(ctx context.Context, b *bench) error {
	bare, err := b.startBare(ctx)
	if err != nil {
		return err
	}
	defer bare.kill()
	var clusters []*cluster
	defer func() {
		for _, c := range clusters {
			c.close()
		}
	}()
	at := func(name string, replicas int, durable bool) (*line, error) {
		c, err := b.startCluster(ctx, 3, replicas, durable)
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, c)
		if err := c.fill(ctx, b.keys, b.valueBytes); err != nil {
			return nil, err
		}
		keys, err := c.keysAt(ctx, 1)
		return &line{name: name, load: b.load(c.nodes[1], keys, 0), servers: c.nodes}, err
	}
	memory1, err := at("PUT, one copy, in memory", 1, false)
	if err != nil {
		return err
	}
	memory3, err := at("PUT, three copies, in memory", 3, false)
	if err != nil {
		return err
	}
	disk1, err := at("PUT, one copy, fsynced", 1, true)
	if err != nil {
		return err
	}
	disk3, err := at("PUT, three copies, fsynced", 3, true)
	if err != nil {
		return err
	}
	ceiling := &line{name: "bare net/http + mux, PUT", load: memory1.load, servers: []*process{bare}}
	ceiling.load.Targets = []load.Target{{Address: bare.address, Keys: memory1.load.Targets[0].Keys}}
	memory1.against = []comparison{{ceiling, 0.80}}
	memory3.against = []comparison{{memory1, 0}, {ceiling, 0}}
	disk1.against = []comparison{{memory1, 0}, {ceiling, 0}}
	disk3.against = []comparison{{disk1, 0.65}, {memory3, 0}, {ceiling, 0}}
	lines := []*line{ceiling, memory1, memory3, disk1, disk3}
	if err := b.interleave(ctx, lines); err != nil {
		return err
	}
	printLines("three nodes", lines)
	sync, err := fsyncTime(b.work)
	if err != nil {
		return err
	}
	fmt.Printf("a write of 4 KiB and an fsync, alone, take %.2f ms (median)\n", sync.Seconds()*1e3)
	return nil
}
