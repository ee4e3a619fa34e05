package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// measurePlan runs the placement's own benchmark, which is no matter of processes.
func measurePlan(ctx context.Context, b *bench) error {
	b.printf("\npartition.Plan (aim: 100 ms for 1,000 nodes and 65,536 partitions)\n")
	return b.goBenchmarks(ctx, "^BenchmarkPlan", "./partition")
}

// goBenchmarks runs the benchmarks of packages that match, and prints their lines.
func (b *bench) goBenchmarks(ctx context.Context, match string, packages ...string) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	args := append([]string{"test", "-p", "1", "-run", "^$", "-bench", match, "-benchtime", "5x"}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	found := false
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Benchmark") {
			b.printf("%s", line)
			found = true
		}
	}
	if !found {
		return fmt.Errorf("no benchmark like %s in %s", match, strings.Join(packages, ", "))
	}
	return nil
}
