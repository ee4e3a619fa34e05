package main

import (
	"context"
	"fmt"
	"time"

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
