package main

import (
	"context"

	"github.com/spf13/cobra"

	"pipelinedht/httpapi/client"
)

func (p *program) delCommand() *cobra.Command {
	var (
		node      remote
		arg       keyArgument
		condition conditionFlags
		strict    bool
	)
	cmd := &cobra.Command{
		Use:     "del KEY",
		Aliases: []string{"delete"},
		Short:   "Remove a key",
		Long: `Remove a key. Prints nothing; a key without a value is no error.

` + exitHelp,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with status 3 if the key had no value")
	condition.define(cmd)
	arg.define(cmd.Flags())
	node.define(cmd.Flags(), answerTimeout)
	cmd.RunE = p.do(func(cmd *cobra.Command, args []string) error {
		key, err := arg.key(args[0])
		if err != nil {
			return err
		}
		under, err := condition.condition(cmd)
		if err != nil {
			return err
		}
		return node.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			existed, err := c.Delete(ctx, key, under)
			if err == nil && strict && !existed {
				return p.missing(key)
			}
			return err
		})
	})
	return cmd
}
