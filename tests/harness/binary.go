package harness

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	program = filepath.Join(dir, "dht")
	if err := build(program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Build builds a binary with build tags, for Spec.Program. It goes with the test.
func Build(t testing.TB, tags ...string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "dht")
	if err := build(to, "-tags", strings.Join(tags, ",")); err != nil {
		t.Fatal(err)
	}
	return to
}

func build(to string, flags ...string) error {
	if err := readSources(); err != nil {
		return err
	}
	args := append([]string{"build", "-o", to}, flags...)
	if os.Getenv("DHTTEST_RACE") != "" {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "pipelinedht/cmd/dht")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the binary under test: %w\n%s", err, out)
	}
	return nil
}

// readSources lists every directory of the module. The go command notes what a
// test opens, and so knows that its result is out of date when a file of the
// program under test changes, which it cannot see from imports here.
func readSources() error {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(out)))
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		return err
	})
}
