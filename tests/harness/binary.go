package harness

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the binary under test; written once by Main before any test runs.
var program string

// Main is the body of a package's TestMain: it builds the binary, runs the tests
// and ends the process.
func Main(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if program = os.Getenv("DHTTEST_BINARY"); program != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "dht-binary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "directory for the binary:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := build(filepath.Join(dir, "dht")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(to string) error {
	args := []string{"build", "-o", to}
	if os.Getenv("DHTTEST_RACE") != "" {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "pipelinedht/cmd/dht")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the binary under test: %w\n%s", err, out)
	}
	program = to
	return nil
}
