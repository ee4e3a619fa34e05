package harness

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// commandWithin is how long a command line that is not meant to stay may run.
const commandWithin = 60 * time.Second

// Result is what a command line did.
type Result struct {
	Exit           int // -1: it did not end by itself
	Stdout, Stderr string
}

// Exec runs the binary with args and stdin until it ends.
func Exec(t testing.TB, stdin string, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	cmd.Env = environment()
	cmd.SysProcAttr = dieWithParent()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("dht %s: %v", strings.Join(args, " "), err)
	}
	if ctx.Err() != nil {
		t.Fatalf("dht %s: still running after %v\n%s%s", strings.Join(args, " "), commandWithin, &stdout, &stderr)
	}
	return Result{Exit: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
}
