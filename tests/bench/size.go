package main

import (
	"context"
	"fmt"

	"pipelinedht/httpapi/load"
)

const (
	sizeBytes       = 64 << 20 // of all values in a cluster, whatever their size
	largeValue      = 1 << 20
	largeConnection = 16 // connections for large values: what a host of clients sends at a time
)

// measureSizes compares values of different sizes, through all three nodes. Each
// size has clusters of its own.
func measureSizes(ctx context.Context, b *bench) error {
	b.printHeading("through all of three nodes, three copies")
	for _, size := range []struct {
		name  string
		bytes int
	}{{"100 B", 100}, {"4 KiB", 4 << 10}, {"1 MiB", largeValue}} {
		sized := *b
		sized.valueBytes = size.bytes
		sized.keys = min(b.keys, sizeBytes/size.bytes)
		if size.bytes >= largeValue {
			sized.connections = min(b.connections, largeConnection)
		}
		if err := sized.measureSize(ctx, size.name); err != nil {
			return fmt.Errorf("%s: %w", size.name, err)
		}
	}
	return nil
}

func (b *bench) measureSize(ctx context.Context, size string) error {
	s, err := b.startSubjects(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	with := func(reads float64, servers ...*process) load.Load { return b.load(b.numbered(), reads, servers...) }
	gets := loaded("bare GET", with(1, s.bare), []*process{s.bare})
	puts := loaded("bare PUT", with(0, s.bare), []*process{s.bare})
	logged := loaded("bare PUT, fsynced", with(0, s.logging), []*process{s.logging}, comparison{puts, 0})
	var lines []*line
	if b.valueBytes >= largeValue { // of smaller ones memory is no bound
		copied := copies(b.valueBytes)
		gets.against, puts.against = []comparison{{copied, 0}}, []comparison{{copied, 0}}
		lines = append(lines, copied)
	}
	return b.report(ctx, size+", ", append(lines,
		gets,
		loaded("GET", with(1, s.memory.nodes...), s.memory.nodes, comparison{gets, 0}),
		puts,
		loaded("PUT in memory", with(0, s.memory.nodes...), s.memory.nodes, comparison{puts, 0}),
		logged,
		loaded("PUT fsynced", with(0, s.disk.nodes...), s.disk.nodes, comparison{logged, 0}),
	)...)
}
