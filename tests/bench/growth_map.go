package main

import "context"

// measureMap runs the benchmarks of the largest map: what the FSM and a node do
// with one of 1,000 nodes and 65,536 partitions, in one process.
func measureMap(ctx context.Context, b *bench) error {
	b.printf("\nthe map of 1,000 nodes and 65,536 partitions (aim: nothing blocks for 100 ms)\n")
	return b.goBenchmarks(ctx, "1000x65536$", "./fsm", "./partition/host")
}
