package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"pipelinedht/httpapi/client"
)

func (p *program) getCommand() *cobra.Command {
	var (
		node    remote
		arg     keyArgument
		file    string
		version bool
	)
	cmd := &cobra.Command{
		Use:   "get KEY",
		Short: "Print the value of a key",
		Long: `Print the value of a key, byte by byte. A key without a value is exit status 3.

` + exitHelp,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "write the value to this file instead of standard output")
	cmd.Flags().BoolVar(&version, "print-version", false, "print the value's version on standard error, for --if-version")
	arg.define(cmd.Flags())
	node.define(cmd.Flags(), answerTimeout)
	cmd.RunE = p.do(func(cmd *cobra.Command, args []string) error {
		key, err := arg.key(args[0])
		if err != nil {
			return err
		}
		return node.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			value, err := c.Get(ctx, key)
			if err != nil {
				return err
			}
			if !value.Found {
				return p.missing(key)
			}
			if version {
				fmt.Fprintln(p.stderr, value.Version)
			}
			if file != "" {
				return os.WriteFile(file, value.Bytes, 0o666)
			}
			_, err = p.stdout.Write(value.Bytes)
			return err
		})
	})
	return cmd
}

// missing tells that key has no value, with the exit status for it.
func (p *program) missing(key string) error {
	fmt.Fprintf(p.stderr, "dht: the key %q has no value\n", key)
	return exitStatus(exitMissing)
}
