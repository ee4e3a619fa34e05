package main

import (
	"context"
	"fmt"

	"pipelinedht/httpapi/load"
)

// clusterSizes are what the cost of a request is compared over.
var clusterSizes = []int{3, 5, 7}

// measureNodes compares a request in clusters of several sizes. All nodes share
// this machine, so that what grows is what more nodes cost, not what they bring.
func measureNodes(ctx context.Context, b *bench) error {
	var clusters []*cluster
	defer func() {
		for _, c := range clusters {
			c.close()
		}
	}()
	smallest := make(map[string]*line) // by what is asked for
	var lines []*line
	for _, n := range clusterSizes {
		c, err := b.startCluster(ctx, n, 3, false)
		if err != nil {
			return err
		}
		clusters = append(clusters, c)
		if err := fill(ctx, c.nodes, b.numbered(), b.valueBytes); err != nil {
			return err
		}
		names, err := c.keysAt(ctx, 1)
		if err != nil {
			return err
		}
		keys := load.Listed(names)
		for _, x := range []struct {
			name  string
			reads float64
			at    int // node that is asked; the keys are those of the second
		}{
			{"GET at the primary", 1, 1}, {"GET through another node", 1, 2}, {"PUT, three copies", 0, 1},
		} {
			l := loaded(fmt.Sprintf("%s, %d nodes", x.name, n), b.load(keys, x.reads, c.nodes[x.at]), c.nodes)
			if first := smallest[x.name]; first != nil {
				l.against = []comparison{{first, 0}}
			} else {
				smallest[x.name] = l
			}
			lines = append(lines, l)
		}
	}
	b.printHeading("clusters of several sizes, in memory")
	return b.report(ctx, "", lines...)
}
