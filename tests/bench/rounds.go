package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pipelinedht/httpapi/load"
)

// line is one row of a table: what is done in each of its rounds, and the rows that
// it is held against.
type line struct {
	name    string
	round   func(context.Context, time.Duration) (*sample, error)
	against []comparison
	samples []*sample // one a round
}

// comparison names the denominator of a ratio of request rates.
type comparison struct {
	with *line
	aim  float64 // what the ratio should reach, printed beside it; 0: nothing in particular
}

// loaded returns the line of a load on servers.
func loaded(name string, l load.Load, servers []*process, against ...comparison) *line {
	round := func(ctx context.Context, d time.Duration) (*sample, error) { return drive(ctx, &l, servers, d) }
	return &line{name: name, round: round, against: against}
}

// warmUp is the part of a round that goes ahead of the first one, unmeasured.
const warmUp = 4

// interleave runs every line once a round, there and back, so that a machine that
// grows slower or faster meets all of them alike.
func (b *bench) interleave(ctx context.Context, lines []*line) error {
	for _, l := range lines {
		if _, err := l.round(ctx, b.time/warmUp); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	order := slices.Clone(lines)
	for range b.rounds {
		for _, l := range order {
			s, err := l.round(ctx, b.time)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			l.samples = append(l.samples, s)
		}
		slices.Reverse(order)
	}
	return nil
}

// report runs lines interleaved and prints them, each with the name of their group.
func (b *bench) report(ctx context.Context, group string, lines ...*line) error {
	if err := b.interleave(ctx, lines); err != nil {
		return err
	}
	for _, l := range lines {
		b.print(group, l)
	}
	return nil
}

// median returns the median over the line's rounds of what of says about one.
func (l *line) median(of func(*sample) float64) float64 {
	values := make([]float64, len(l.samples))
	for i, s := range l.samples {
		values[i] = of(s)
	}
	return median(values)
}

// ratio returns the median over the rounds of the ratio of what of says.
func (l *line) ratio(of func(*sample) float64, with *line) float64 {
	ratios := make([]float64, len(l.samples))
	for i, s := range l.samples {
		ratios[i] = of(s) / of(with.samples[i])
	}
	return median(ratios)
}

func (l *line) refused() int {
	n := 0
	for _, s := range l.samples {
		n += s.Failures()
	}
	return n
}

// median returns the middle one of values, of two the upper.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
