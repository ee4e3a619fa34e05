package main

import "context"

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
	ceiling := &line{name: "bare net/http + mux, GET", load: load{address: bare.address, keys: keys, request: newGet, servers: []*process{bare}}}
	primary := &line{
		name:    "GET at the primary",
		load:    load{address: c.nodes[1].address, keys: keys, request: newGet, servers: c.nodes},
		against: []comparison{{ceiling, 0.90}},
	}
	forwarded := &line{
		name:    "GET through another node",
		load:    load{address: c.nodes[2].address, keys: keys, request: newGet, servers: c.nodes},
		against: []comparison{{primary, 0.80}, {ceiling, 0}},
	}
	lines := []*line{ceiling, primary, forwarded}
	if err := b.interleave(ctx, lines); err != nil {
		return err
	}
	printLines("three nodes, three copies, in memory", lines)
	return nil
}
