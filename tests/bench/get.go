package main

import (
	"context"

	"pipelinedht/httpapi/load"
)

// measureGets compares GET at a key's primary with a server that has nothing to
// look up, and GET through another node with GET at the primary. The primary's
// keys are all of one node, as one server is what it is compared with.
func measureGets(ctx context.Context, b *bench) error {
	bare, err := b.startBare(ctx, false)
	if err != nil {
		return err
	}
	defer bare.kill()
	c, err := b.startFull(ctx, 3, false)
	if err != nil {
		return err
	}
	defer c.close()
	keys, err := c.keysAt(ctx, 1)
	if err != nil {
		return err
	}
	ceiling := loaded("bare net/http + mux, GET", b.load(load.Listed(keys), 1, bare), []*process{bare})
	primary := loaded("GET at the primary", b.load(load.Listed(keys), 1, c.nodes[1]), c.nodes, comparison{ceiling, 0.90})
	forwarded := loaded("GET through another node", b.load(load.Listed(keys), 1, c.nodes[2]), c.nodes,
		comparison{primary, 0.80}, comparison{ceiling, 0})
	b.printHeading("three nodes, three copies, in memory")
	return b.report(ctx, "", ceiling, primary, forwarded)
}
