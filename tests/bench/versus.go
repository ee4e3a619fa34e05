package main

import "context"

// versus holds a line of ours against one of theirs.
type versus struct {
	ours, theirs *line
	aim          float64 // what the ratio of rates should reach; 0: nothing in particular
}

// compare runs all lines interleaved and prints them, and then the ratios.
func (b *bench) compare(ctx context.Context, title string, lines []*line, pairs []versus) error {
	b.printHeading(title)
	if err := b.report(ctx, "", lines...); err != nil {
		return err
	}
	b.printf("%-*s%10s%10s%10s%10s  rate's aim\n", 2*nameWidth, "ours / theirs, medians of each round's ratio", "rate", "p50", "p99", "CPU")
	for _, p := range pairs {
		b.printf("%-*s%10.2f%10.2f%10.2f%10.2f", 2*nameWidth, p.ours.name+" / "+p.theirs.name,
			p.ours.ratio(rate, p.theirs), p.ours.ratio(latency(0.50), p.theirs),
			p.ours.ratio(latency(0.99), p.theirs), p.ours.ratio(cost, p.theirs))
		if p.aim > 0 {
			b.printf("  %g", p.aim)
		}
		b.printf("\n")
	}
	return nil
}
