package main

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pipelinedht/httpapi/client"
	"pipelinedht/httpapi/load"
)

const benchHelp = `Drive a running cluster in a closed loop and print how it did: each connection sends
its next request when it has the answer to the last.

The keys are the bench's own, under a random prefix that it names first: it touches
no other key, and removes them at the end, also after Ctrl-C, which ends the load
with the figures so far; a second one leaves the keys. Where they were left, --remove
removes them.

Latencies are those of the requests that succeeded; all others are counted as errors,
by their status. On a machine that client and servers share they share its cores, too.`

const (
	benchKeys      = 10_000
	benchKeyBytes  = 256 << 20 // of all values, unless --keys is given
	maxConnections = 4096      // what one node takes by default
	maxBenchKeys   = 1_000_000_000
)

// benchPrefix is what the keys of a bench begin with, and of nobody else.
var benchPrefix = regexp.MustCompile(`^bench-[0-9a-f]{12}$`)

// benchFlags are the command line of dht bench.
type benchFlags struct {
	node        remote
	time        time.Duration
	connections int
	reads       int // percent
	value       size
	keys        int
	zipf        float64
	allNodes    bool
	progress    bool
	remove      string
}

func (p *program) benchCommand() *cobra.Command {
	f := benchFlags{value: 100}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure a running cluster with reads and writes of keys of its own",
		Long:  benchHelp,
		Args:  cobra.NoArgs,
	}
	f.define(cmd.Flags())
	cmd.RunE = p.do(func(cmd *cobra.Command, _ []string) error {
		if err := f.check(cmd.Flags()); err != nil {
			return err
		}
		if !cmd.Flags().Changed("progress") {
			f.progress = isTerminal(p.stderr)
		}
		var ring *client.Ring
		err := f.node.with(cmd.Context(), func(ctx context.Context, c *client.Client) (err error) {
			ring, err = c.Ring(ctx)
			return err
		})
		if err != nil {
			return err
		}
		b := newBench(p, &f, ring)
		if f.remove != "" {
			b.prefix = f.remove
			return b.removeKeys(cmd.Context())
		}
		return b.run(cmd.Context())
	})
	return cmd
}

func (f *benchFlags) define(flags *pflag.FlagSet) {
	flags.DurationVarP(&f.time, "time", "t", 10*time.Second, "how long the load lasts")
	flags.IntVarP(&f.connections, "connections", "c", 64, "connections, each with one request under way")
	flags.IntVar(&f.reads, "reads", 95, "percentage of GETs; the other requests are PUTs")
	flags.Var(&f.value, "value", "length of every value")
	flags.IntVar(&f.keys, "keys", 0, fmt.Sprintf("number of keys (default %d, or as many as make 256MiB)", benchKeys))
	flags.Float64Var(&f.zipf, "zipf", 0, fmt.Sprintf("exponent of the Zipf distribution of the keys, below 1, such as YCSB's %v; 0: all alike", load.YCSBSkew))
	flags.BoolVar(&f.allNodes, "all-nodes", false, "spread the connections over all peers of the node")
	flags.BoolVar(&f.progress, "progress", false, "a line a second on standard error about how it goes (default: if that is a terminal)")
	flags.StringVar(&f.remove, "remove", "", "only remove the keys that a bench with this prefix, and --keys as here, has left")
	f.node.define(flags, answerTimeout)
}

// check completes the flags, or says which of them is wrong.
func (f *benchFlags) check(flags *pflag.FlagSet) error {
	if !flags.Changed("keys") {
		f.keys = max(1, min(benchKeys, benchKeyBytes/max(int(f.value), 1)))
	}
	var problem string
	switch {
	case f.time <= 0:
		problem = fmt.Sprintf("--time %v: give a time, such as 30s", f.time)
	case f.connections < 1 || f.connections > maxConnections:
		problem = fmt.Sprintf("--connections %d: give 1 to %d", f.connections, maxConnections)
	case f.reads < 0 || f.reads > 100:
		problem = fmt.Sprintf("--reads %d: give a percentage, 0 to 100", f.reads)
	case f.value < load.StampBytes:
		problem = fmt.Sprintf("--value %v: give at least %d bytes, so that values differ", &f.value, load.StampBytes)
	case f.keys < 1 || f.keys > maxBenchKeys:
		problem = fmt.Sprintf("--keys %d: give 1 to %d", f.keys, maxBenchKeys)
	case !(f.zipf >= 0 && f.zipf < 1):
		problem = fmt.Sprintf("--zipf %v: give 0, or more and less than 1", f.zipf)
	case f.node.timeout == 0:
		problem = "--timeout 0s: a request that is never answered would not be counted; give a time"
	case f.remove != "" && !benchPrefix.MatchString(f.remove):
		problem = fmt.Sprintf("--remove %q: give the prefix as dht bench named it, such as bench-0123456789ab", f.remove)
	case f.remove != "" && !flags.Changed("keys"):
		problem = "--remove: say with --keys how many there were"
	}
	if problem != "" {
		return fmt.Errorf("%w: %s", errUsage, problem)
	}
	return nil
}
