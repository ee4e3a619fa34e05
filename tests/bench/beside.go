package main

import (
	"context"
	"time"

	"pipelinedht/httpapi/load"
)

const (
	lightConnections = 16
	lightThink       = 5 * time.Millisecond // after each answer: at most 3,200 requests a second
	besideAim        = 3                    // times the p99 at rest
)

// measureClients prints what clients with a light load, half of it GETs, notice of
// a fourth node that joins, and of its leaving.
func (b *bench) measureClients(ctx context.Context, c *cluster, keys load.Keys) error {
	light := b.lightLoad(keys, c.nodes)
	rest, join, leave := &line{name: "at rest"}, &line{name: "during the join"}, &line{name: "during the leave"}
	for range b.rounds {
		s, err := light.Run(ctx, 2*b.time)
		if err != nil {
			return err
		}
		rest.samples = append(rest.samples, &sample{s, unknownExpense()})
		if err := c.startNode(ctx); err != nil {
			return err
		}
		if err := join.beside(ctx, light, c.join); err != nil {
			return err
		}
		if err := leave.beside(ctx, light, c.leave); err != nil {
			return err
		}
	}
	b.printClients(rest, join, leave)
	return ctx.Err()
}

// printClients prints what clients noticed of moves, the lines after the first.
func (b *bench) printClients(rest *line, moves ...*line) {
	b.printf("%-*s%10s%10s%10s%10s%10s  p99 of that at rest (aim)\n", nameWidth, "clients with a light load", "requests/s", "p50 ms", "p99 ms", "p99.9 ms", "errors")
	for _, l := range append([]*line{rest}, moves...) {
		b.printf("%-*s%10.0f%10.2f%10.2f%10.2f%10d", nameWidth, l.name,
			l.median(rate), l.median(latency(0.50)), l.median(latency(0.99)), l.median(latency(0.999)), l.refused())
		if l != rest {
			b.printf("  %.1f (%d)", l.ratio(latency(0.99), rest), besideAim)
		}
		b.printf("\n")
	}
}

// lightLoad is clients that servers have time for, half of it GETs.
func (b *bench) lightLoad(keys load.Keys, servers []*process) load.Load {
	light := b.load(keys, 0.5, servers...)
	light.Connections, light.Think = lightConnections, lightThink
	return light
}

// beside adds a sample of the load for as long as f runs.
func (l *line) beside(ctx context.Context, clients load.Load, f func(context.Context) error) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	type outcome struct {
		result *load.Result
		err    error
	}
	ended := make(chan outcome, 1)
	go func() {
		result, err := clients.Run(running, time.Hour)
		ended <- outcome{result, err}
	}()
	err := f(ctx)
	stop()
	o := <-ended
	if err != nil {
		return err
	}
	if o.err != nil {
		return o.err
	}
	l.samples = append(l.samples, &sample{o.result, unknownExpense()})
	return nil
}
