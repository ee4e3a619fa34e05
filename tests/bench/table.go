package main

import (
	"fmt"
	"strings"
)

// printLines prints the rows of one part.
func printLines(title string, lines []*line) {
	fmt.Printf("\n%-34s %10s %8s %8s %8s  %s\n", title, "requests/s", "p50 ms", "p99 ms", "CPU us", "of the rate of (aim)")
	for _, l := range lines {
		fmt.Printf("%-34s %10.0f %8.2f %8.2f %8.1f  %s\n", l.name,
			l.median(rate), l.median(milliseconds(0.50)), l.median(milliseconds(0.99)), l.median((*sample).cost),
			l.notes())
	}
}

// notes are the ratios of a line, and how many of its requests were refused.
func (l *line) notes() string {
	var notes []string
	for _, c := range l.against {
		note := fmt.Sprintf("%.2f %s", l.ratio(c.with), c.with.name)
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
