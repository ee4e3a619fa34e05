package main

import (
	"context"
	"fmt"

	"pipelinedht/httpapi/load"
)

// measureMixes compares mixes of reads and writes, on uniform and on few hot keys,
// in memory and fsynced, through all three nodes: two thirds of it are forwarded.
func measureMixes(ctx context.Context, b *bench) error {
	s, err := b.startSubjects(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	b.printHeading("through all of three nodes, three copies")
	for _, percent := range []int{100, 95, 50, 0} {
		reads := float64(percent) / 100
		uniform := func(servers ...*process) load.Load { return b.load(b.numbered(), reads, servers...) }
		zipf := func(servers ...*process) load.Load {
			l := uniform(servers...)
			l.Skew = load.YCSBSkew
			return l
		}
		ceiling := loaded("bare", uniform(s.bare), []*process{s.bare})
		lines := []*line{
			ceiling,
			loaded("in memory", uniform(s.memory.nodes...), s.memory.nodes, comparison{ceiling, 0}),
			loaded("in memory, Zipf", zipf(s.memory.nodes...), s.memory.nodes, comparison{ceiling, 0}),
		}
		if reads < 1 { // else there is nothing to fsync
			ceiling = loaded("bare, PUTs fsynced", uniform(s.logging), []*process{s.logging}, comparison{ceiling, 0})
			lines = append(lines, ceiling)
		}
		lines = append(lines,
			loaded("fsynced", uniform(s.disk.nodes...), s.disk.nodes, comparison{ceiling, 0}),
			loaded("fsynced, Zipf", zipf(s.disk.nodes...), s.disk.nodes, comparison{ceiling, 0}),
		)
		if err := b.report(ctx, fmt.Sprintf("%d %% GET, ", percent), lines...); err != nil {
			return err
		}
	}
	return nil
}
