package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"pipelinedht/httpapi"
	"pipelinedht/httpapi/client"
)

func (p *program) peersCommand() *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:   "peers",
		Short: "List the peers of a node's cluster, the node itself first",
		Args:  cobra.NoArgs,
	}
	node.define(cmd.Flags(), answerTimeout)
	cmd.RunE = p.do(func(cmd *cobra.Command, _ []string) error {
		return node.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			names, err := c.Peers(ctx)
			for _, name := range names {
				fmt.Fprintln(p.stdout, name)
			}
			return err
		})
	})
	return cmd
}

func (p *program) joinCommand() *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:   "join NAME:HOST:PORT...",
		Short: "Have a node join the cluster of one of these peers",
		Long: `Have the node at --addr leave its cluster, in good order, and join the one that the
first usable peer belongs to. Returns when the data is rebalanced and the node's own
data is in.

` + exitHelp,
		Args: cobra.MinimumNArgs(1),
	}
	node.define(cmd.Flags(), 0)
	cmd.RunE = p.do(func(cmd *cobra.Command, args []string) error {
		if _, err := httpapi.ParseContacts(strings.Join(args, "\n")); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return node.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			report, err := c.Join(ctx, args)
			switch {
			case err != nil:
				return err
			case report.AlreadyMember:
				fmt.Fprintln(p.stdout, "is a peer already, nothing changed")
			default:
				fmt.Fprintf(p.stdout, "joined; keys brought along: %d, for which the cluster had a later write: %d\n", report.Imported, report.Lost)
			}
			if report.Waiting > 0 {
				fmt.Fprintf(p.stdout, "%d partitions cannot be served: only peers that are away have them; start those again, or see dht forget\n", report.Waiting)
			}
			return nil
		})
	})
	return cmd
}

func (p *program) leaveCommand() *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:   "leave",
		Short: "Have a node leave its cluster",
		Long: `Have the node at --addr leave its cluster. Returns when the others have all data and
the node stands alone, with a copy of what it was primary for.

` + exitHelp,
		Args: cobra.NoArgs,
	}
	node.define(cmd.Flags(), 0)
	cmd.RunE = p.do(func(cmd *cobra.Command, _ []string) error {
		return node.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return c.Leave(ctx) })
	})
	return cmd
}
