package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// measurePlan runs the placement's own benchmark, which is no matter of processes.
func measurePlan(ctx context.Context, b *bench) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkPlan", "-benchtime", "5x", "./partition")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	b.printf("\npartition.Plan (aim: 100 ms for 1,000 nodes and 65,536 partitions)\n")
	found := false
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "BenchmarkPlan") {
			b.printf("%s", line)
			found = true
		}
	}
	if !found {
		b.printf("no BenchmarkPlan in ./partition\n")
	}
	return nil
}
