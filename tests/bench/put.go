package main

import (
	"context"

	"pipelinedht/httpapi/load"
)

// measurePuts compares PUT at a key's primary with one and with three copies, in
// memory and fsynced, with servers that forget what they are told or only log it,
// and with each other. There are three nodes in every cluster.
func measurePuts(ctx context.Context, b *bench) error {
	plain, err := b.startCeilings(ctx)
	if err != nil {
		return err
	}
	defer plain.kill()
	fsync, closeFile, err := b.fsyncs()
	if err != nil {
		return err
	}
	defer closeFile()
	var clusters []*cluster
	defer func() {
		for _, c := range clusters {
			c.close()
		}
	}()
	at := func(name string, replicas int, durable bool, against ...comparison) (*line, error) {
		c, err := b.startFull(ctx, replicas, durable)
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, c)
		keys, err := c.keysAt(ctx, 1)
		return loaded(name, b.load(load.Listed(keys), 0, c.nodes[1]), c.nodes, against...), err
	}
	ceiling := loaded("bare net/http + mux, PUT", b.load(b.numbered(), 0, plain.bare), []*process{plain.bare})
	logged := loaded("bare PUT, appended and fsynced", b.load(b.numbered(), 0, plain.logging), []*process{plain.logging}, comparison{ceiling, 0})
	memory1, err := at("PUT, one copy, in memory", 1, false, comparison{ceiling, 0.80})
	if err != nil {
		return err
	}
	memory3, err := at("PUT, three copies, in memory", 3, false, comparison{memory1, 0}, comparison{ceiling, 0})
	if err != nil {
		return err
	}
	disk1, err := at("PUT, one copy, fsynced", 1, true, comparison{memory1, 0}, comparison{logged, 0})
	if err != nil {
		return err
	}
	disk3, err := at("PUT, three copies, fsynced", 3, true, comparison{disk1, 0.65}, comparison{memory3, 0}, comparison{logged, 0})
	if err != nil {
		return err
	}
	b.printHeading("three nodes")
	return b.report(ctx, "", ceiling, logged, fsync, memory1, memory3, disk1, disk3)
}
