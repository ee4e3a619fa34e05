package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pipelinedht/httpapi/load"
)

// line is one row of the table: a load, and the rows that it is held against.
type line struct {
	name    string
	load    load.Load
	servers []*process // whose CPU time it takes
	against []comparison
	samples []*sample // one a round
}

// comparison names the denominator of a ratio of request rates.
type comparison struct {
	with *line
	aim  float64 // what the ratio should reach, printed beside it; 0: nothing in particular
}

// warmUp is the part of a round that goes ahead of the first one, unmeasured.
const warmUp = 4

// interleave runs every line once a round, there and back, so that a machine that
// grows slower or faster meets all of them alike.
func (b *bench) interleave(ctx context.Context, lines []*line) error {
	for _, l := range lines {
		if _, err := take(ctx, &l.load, l.servers, b.time/warmUp); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	order := slices.Clone(lines)
	for range b.rounds {
		for _, l := range order {
			s, err := take(ctx, &l.load, l.servers, b.time)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			l.samples = append(l.samples, s)
		}
		slices.Reverse(order)
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

// ratio returns the median over the rounds of the ratio of rates.
func (l *line) ratio(with *line) float64 {
	ratios := make([]float64, len(l.samples))
	for i, s := range l.samples {
		ratios[i] = s.Rate() / with.samples[i].Rate()
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

// rate is the requests a second of a round.
func rate(s *sample) float64 { return s.Rate() }

// milliseconds returns a quantile of a round's latencies.
func milliseconds(q float64) func(*sample) float64 {
	return func(s *sample) float64 {
		return float64(s.Latencies().Quantile(q)) / float64(time.Millisecond)
	}
}
