package main

import (
	"time"
)

// generator adds up what the load generator itself has cost in this run. Loads run
// one after another, so nothing guards it.
var generator struct {
	cpu      time.Duration
	requests int
}

// printGenerator says how much of a request's time on this machine was not the
// servers'.
func (b *bench) printGenerator() {
	if generator.requests > 0 {
		b.printf("\nload generator: %.1f us of CPU a request\n", float64(generator.cpu.Microseconds())/float64(generator.requests))
	}
}
