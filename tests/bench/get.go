package main

import (
	"context"

	"pipelinedht/httpapi/load"
)

// measureGets compares GET at a key's primary with a server that has nothing to
// look up, and GET through another node with GET at the primary. The primary's
// keys are all of one node, as one server is what it is compared with.
func measureGets(ctx context.Context, b *bench) error {
	bare, err := b.startBare(ctx)
	if err != nil {
		return err
	}
	defer bare.kill()
	c, err := b.startCluster(ctx, 3, 3, false)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.fill(ctx, b.keys, b.valueBytes); err != nil {
		return err
	}
	keys, err := c.keysAt(ctx, 1)
	if err != nil {
		return err
	}
	gets := func(at *process) load.Load { return b.load(at, keys, 1) }
	ceiling := &line{name: "bare net/http + mux, GET", load: gets(bare), servers: []*process{bare}}
	primary := &line{
		name:    "GET at the primary",
		load:    gets(c.nodes[1]),
		servers: c.nodes,
		against: []comparison{{ceiling, 0.90}},
	}
	forwarded := &line{
		name:    "GET through another node",
		load:    gets(c.nodes[2]),
		servers: c.nodes,
		against: []comparison{{primary, 0.80}, {ceiling, 0}},
	}
	lines := []*line{ceiling, primary, forwarded}
	if err := b.interleave(ctx, lines); err != nil {
		return err
	}
	printLines("three nodes, three copies, in memory", lines)
	return nil
}

// load returns uniform load on one server, of which a share are reads.
func (b *bench) load(at *process, keys []string, reads float64) load.Load {
	return load.Load{
		Targets:     []load.Target{{Address: at.address, Keys: load.Listed(keys)}},
		Connections: b.connections,
		Reads:       reads,
		ValueBytes:  b.valueBytes,
	}
}
