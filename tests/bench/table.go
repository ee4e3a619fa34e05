package main

import (
	"fmt"
	"math"
	"strings"
)

// columns are the figures of a line, each the median of its rounds.
var columns = []struct {
	heading string
	figure  func(*sample) float64
	format  string
}{
	{"requests/s", rate, "%.0f"},
	{"p50 ms", latency(0.50), "%.2f"},
	{"p99 ms", latency(0.99), "%.2f"},
	{"p99.9 ms", latency(0.999), "%.2f"},
	{"CPU us", cost, "%.1f"},
	{"mallocs", mallocs, "%.1f"},
	{"MB", megabytes, "%.0f"},
}

const (
	nameWidth   = 42
	columnWidth = 10
)

// printHeading begins a table.
func (b *bench) printHeading(title string) {
	b.printf("\n%-*s", nameWidth, title)
	for _, c := range columns {
		b.printf("%*s", columnWidth, c.heading)
	}
	b.printf("  of the rate of (aim)\n")
}

// print prints a line as a row of the table.
func (b *bench) print(group string, l *line) {
	b.printf("%-*s", nameWidth, group+l.name)
	for _, c := range columns {
		cell := "-"
		if figure := l.median(c.figure); !math.IsNaN(figure) {
			cell = fmt.Sprintf(c.format, figure)
		}
		b.printf("%*s", columnWidth, cell)
	}
	if notes := l.notes(); notes != "" {
		b.printf("  %s", notes)
	}
	b.printf("\n")
}

// notes are the ratios of a line, and how many of its requests were refused.
func (l *line) notes() string {
	var notes []string
	for _, c := range l.against {
		note := fmt.Sprintf("%.2f %s", l.ratio(rate, c.with), c.with.name)
		if c.aim > 0 {
			note += fmt.Sprintf(" (%.2f)", c.aim)
		}
		notes = append(notes, note)
	}
	if n := l.refused(); n > 0 {
		notes = append(notes, fmt.Sprintf("%d REFUSED", n))
	}
	return strings.Join(notes, ", ")
}
