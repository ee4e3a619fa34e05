package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Print writes the runs as two tables in Markdown: what was done in all, by
// cluster, and what faults there were, by kind.
func Print(w io.Writer, runs []*Run) error {
	var text strings.Builder
	printRuns(&text, runs)
	text.WriteByte('\n')
	printFaults(&text, runs)
	_, err := io.WriteString(w, text.String())
	return err
}

func printRuns(w *strings.Builder, runs []*Run) {
	fmt.Fprintln(w, "| cluster | runs | time | faults | requests | failed | unknown | registers judged | written once | violations |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	byShape := make(map[string][]*Run)
	for _, r := range runs {
		shape := fmt.Sprintf("%d nodes, %s, %s", r.Nodes, r.Storage, r.Wires)
		byShape[shape] = append(byShape[shape], r)
	}
	for _, shape := range slices.Sorted(maps.Keys(byShape)) {
		printSum(w, shape, byShape[shape])
	}
	if len(byShape) > 1 {
		printSum(w, "**all**", runs)
	}
}

func printSum(w *strings.Builder, name string, runs []*Run) {
	var sum Run
	for _, r := range runs {
		sum.Took += r.Took
		sum.Faults = append(sum.Faults, r.Faults...)
		sum.Done += r.Done
		sum.Failed += r.Failed
		sum.Unknown += r.Unknown
		sum.Registers += r.Registers
		sum.Once += r.Once
		sum.Violations = append(sum.Violations, r.Violations...)
	}
	fmt.Fprintf(w, "| %s | %d | %v | %d | %d | %d | %d | %d | %d | %d |\n", name, len(runs), sum.Took.Round(time.Second),
		len(sum.Faults), sum.Done+sum.Failed+sum.Unknown, sum.Failed, sum.Unknown, sum.Registers, sum.Once, len(sum.Violations))
}

func printFaults(w *strings.Builder, runs []*Run) {
	fmt.Fprintln(w, "| fault | times | failed through others: median, most | failover p50 | p99 | max |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- |")
	byName := make(map[string][]Fault)
	for _, r := range runs {
		for _, f := range r.Faults {
			byName[f.Name] = append(byName[f.Name], f)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		var failed []int
		var last []time.Duration
		for _, f := range byName[name] {
			if !f.Settled {
				continue
			}
			failed = append(failed, f.FailedWell)
			if f.Failover != nil {
				failed[len(failed)-1] += f.Failover.Failed
				last = append(last, f.Failover.Last)
			}
		}
		fmt.Fprintf(w, "| %s | %d | %s | %s | %s | %s |\n", name, len(byName[name]), middleAndMost(failed),
			quantile(last, 0.5), quantile(last, 0.99), quantile(last, 1))
	}
}

func middleAndMost(counts []int) string {
	if len(counts) == 0 {
		return ""
	}
	slices.Sort(counts)
	return fmt.Sprintf("%d, %d", counts[len(counts)/2], counts[len(counts)-1])
}

// quantile returns the smallest time that more than a share of all do not exceed,
// in seconds; nothing without any.
func quantile(times []time.Duration, share float64) string {
	if len(times) == 0 {
		return ""
	}
	slices.Sort(times)
	at := min(int(share*float64(len(times))), len(times)-1)
	return fmt.Sprintf("%.2f s", times[at].Seconds())
}
