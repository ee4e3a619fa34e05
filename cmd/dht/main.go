// Command dht is a node of the distributed hash table (dht serve), and the tool
// to talk to one (all other subcommands).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"pipelinedht/cmd/internal/node"
	"pipelinedht/httpapi/client"
)

// Exit statuses, for scripts.
const (
	exitOK        = 0
	exitError     = 1 // it did not work; nothing took effect
	exitUsage     = 2 // the command line is wrong
	exitMissing   = 3 // the key has no value
	exitCondition = 4 // the condition of a write did not hold
	exitUnknown   = 5 // the write may or may not have taken effect
)

const exitHelp = `Exit status: 0 done, 1 error and nothing took effect, 2 wrong usage, 3 the key has
no value, 4 the condition of a write did not hold, 5 the outcome is unknown: read
before you try again.`

// program is one run of the command, with what it takes from its surroundings.
type program struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	lookup func(name string) (value string, ok bool) // in the environment

	parsed bool // the command line was understood: errors after that are no usage errors
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, lookup: os.LookupEnv}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// run carries out one command line and returns the exit status.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	return p.end(root.ExecuteContext(ctx))
}

// end tells of the error that a command line ended with, if any, and returns the exit
// status.
func (p *program) end(err error) int {
	if err == nil {
		return exitOK
	}
	var silent exitStatus
	if errors.As(err, &silent) {
		return int(silent)
	}
	fmt.Fprintln(p.stderr, "dht:", err)
	status := p.statusOf(err)
	if status == exitUsage {
		fmt.Fprintln(p.stderr, "try 'dht --help', or 'dht COMMAND --help'")
	}
	return status
}

// exitStatus is an error that has been told already, or needs no telling.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func (p *program) statusOf(err error) int {
	switch {
	case !p.parsed, errors.Is(err, node.ErrConfig), errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, client.ErrCondition):
		return exitCondition
	case errors.Is(err, client.ErrUnknown):
		return exitUnknown
	}
	return exitError
}

// errUsage marks errors about the command line that show only when it is
// carried out.
var errUsage = errors.New("wrong usage")

// root returns the command with all subcommands.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "dht",
		Short:         "A distributed hash table behind plain HTTP",
		Long:          "A distributed hash table behind plain HTTP: a node, and the tool to talk to one.\n\n" + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		p.serveCommand(),
		p.getCommand(), p.putCommand(), p.delCommand(), p.keysCommand(),
		p.peersCommand(), p.joinCommand(), p.leaveCommand(), p.forgetCommand(), p.raftCommand(), p.statusCommand(), p.ringCommand(), p.benchCommand(),
		p.versionCommand(),
	)
	return root
}

// do wraps the body of a command: from here on its line is understood.
func (p *program) do(body func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := p.fromEnvironment(cmd.Flags()); err != nil {
			return err
		}
		p.parsed = true
		return body(cmd, args)
	}
}
