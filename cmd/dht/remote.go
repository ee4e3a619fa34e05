package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pipelinedht/httpapi"
	"pipelinedht/httpapi/client"
)

// remote is what all commands that talk to a node have in common.
type remote struct {
	address string
	timeout time.Duration // 0: none
}

// define adds the flags. A command that moves data has no time-out by default.
func (r *remote) define(flags *pflag.FlagSet, timeout time.Duration) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.StringVar(&r.address, "addr", client.DefaultAddress, "host:port of the node to talk to")
	own.DurationVar(&r.timeout, "timeout", timeout, "how long to wait for the answer; 0s: for ever")
	offerEnvironment(own)
	flags.AddFlagSet(own)
}

// answerTimeout is longer than a node lets a request wait.
const answerTimeout = time.Minute

// with calls body with a client of the node that the flags name.
func (r *remote) with(ctx context.Context, body func(context.Context, *client.Client) error) error {
	if err := httpapi.CheckAddress(r.address); err != nil {
		return fmt.Errorf("%w: --addr: %w", errUsage, err)
	}
	if r.timeout < 0 {
		return fmt.Errorf("%w: --timeout %v: give a time, such as 30s, or 0s for none", errUsage, r.timeout)
	}
	if r.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.timeout)
		defer cancel()
	}
	c := client.New(r.address)
	defer c.Close()
	return body(ctx, c)
}

// keyArgument is how a key stands on the command line.
type keyArgument struct{ encoded bool }

func (k *keyArgument) define(flags *pflag.FlagSet) {
	flags.BoolVar(&k.encoded, "encoded", false, "KEY is percent-encoded, as 'dht keys' prints it")
}

func (k *keyArgument) key(arg string) (string, error) {
	if k.encoded {
		decoded, err := url.PathUnescape(arg)
		if err != nil {
			return "", fmt.Errorf("%w: the key %q is not percent-encoded: %w", errUsage, arg, err)
		}
		arg = decoded
	}
	if arg == "" {
		return "", fmt.Errorf("%w: the key is empty", errUsage)
	}
	return arg, nil
}

// conditionFlags are the conditions that a write can be made under.
type conditionFlags struct {
	absent  bool
	present bool
	version uint64
}

func (f *conditionFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.absent, "if-absent", false, "only if the key has no value")
	flags.BoolVar(&f.present, "if-present", false, "only if the key has a value")
	flags.Uint64Var(&f.version, "if-version", 0, "only if the key has the value of this version")
	cmd.MarkFlagsMutuallyExclusive("if-absent", "if-present", "if-version")
}

func (f *conditionFlags) condition(cmd *cobra.Command) (client.Condition, error) {
	if cmd.Flags().Changed("if-version") && f.version == 0 {
		return client.Condition{}, fmt.Errorf("%w: --if-version 0: no value has it; --if-absent asks for none", errUsage)
	}
	return client.Condition{IfAbsent: f.absent, IfPresent: f.present, IfVersion: client.Version(f.version)}, nil
}

// printJSON prints v indented.
func (p *program) printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", text)
	return err
}
