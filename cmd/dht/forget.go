package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"pipelinedht/httpapi"
	"pipelinedht/httpapi/client"
)

func (p *program) forgetCommand() *cobra.Command {
	var (
		node     remote
		loseData bool
	)
	cmd := &cobra.Command{
		Use:   "forget NAME",
		Short: "Remove a peer that is gone for good",
		Long: `Have the cluster of the node at --addr drop the peer NAME (or with that id, as dht ring
shows it), whose process has ended and will not come back. A peer that is up is
refused: have it leave.

A peer that alone has what was written to some partitions is refused, too: start it
again. If that cannot be done, --lose-data gives those partitions' data up; they begin
anew, empty, and nothing of before returns to them, even if the peer does. Make sure
that it does not run any more, cut off from the others: it would go on serving what it
alone has.

` + exitHelp,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&loseData, "lose-data", false, "give up the data that only this peer has")
	node.define(cmd.Flags(), answerTimeout)
	cmd.RunE = p.do(func(cmd *cobra.Command, args []string) error {
		if err := httpapi.CheckName(args[0]); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return node.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			report, err := c.Forget(ctx, args[0], loseData)
			if err != nil {
				return err
			}
			if report.Gone {
				fmt.Fprintf(p.stdout, "forgotten; partitions given up: %d\n", report.Lost)
			} else {
				fmt.Fprintf(p.stdout, "leaving, until its copies are elsewhere; partitions given up: %d\n", report.Lost)
			}
			return nil
		})
	})
	return cmd
}
