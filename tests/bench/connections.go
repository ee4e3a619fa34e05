package main

import (
	"context"
	"fmt"

	"pipelinedht/httpapi/load"
)

// measureConnections compares numbers of connections: GET at the primary and
// through another node, and PUT with three copies on disk at the primary.
func measureConnections(ctx context.Context, b *bench) error {
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
	c, err := b.startFull(ctx, 3, true)
	if err != nil {
		return err
	}
	defer c.close()
	listed, err := c.keysAt(ctx, 1)
	if err != nil {
		return err
	}
	keys := load.Listed(listed)
	b.printHeading("three nodes, three copies, fsynced")
	for _, n := range []int{1, 8, 64, 256} {
		with := func(reads float64, at *process) load.Load {
			l := b.load(keys, reads, at)
			l.Connections = n
			return l
		}
		gets := loaded("bare GET", with(1, plain.bare), []*process{plain.bare})
		local := loaded("GET at the primary", with(1, c.nodes[1]), c.nodes, comparison{gets, 0})
		logged := loaded("bare PUT, fsynced", with(0, plain.logging), []*process{plain.logging})
		alone := &line{name: fsync.name, round: fsync.round}
		err := b.report(ctx, fmt.Sprintf("%d: ", n),
			gets, local,
			loaded("GET through another node", with(1, c.nodes[2]), c.nodes, comparison{local, 0}, comparison{gets, 0}),
			alone, logged,
			loaded("PUT", with(0, c.nodes[1]), c.nodes, comparison{logged, 0}, comparison{alone, 0}),
		)
		if err != nil {
			return err
		}
	}
	return nil
}
