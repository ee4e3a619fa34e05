// Command table prints what chaos runs did and found, of all files that they
// appended to, as tables in Markdown:
//
//	go run ./tests/chaos/table bin/chaos.jsonl
package main

import (
	"fmt"
	"os"

	"pipelinedht/tests/chaos/report"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run(paths []string) error {
	if len(paths) == 0 {
		return fmt.Errorf("give the files that make chaos has written")
	}
	var runs []*report.Run
	for _, path := range paths {
		more, err := report.Read(path)
		if err != nil {
			return err
		}
		runs = append(runs, more...)
	}
	return report.Print(os.Stdout, runs)
}
