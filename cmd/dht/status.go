package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"pipelinedht/httpapi/client"
)

func (p *program) statusCommand() *cobra.Command {
	var (
		node   remote
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what a node knows of itself: roles, copies, moves under way",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it on one line, as the node sent it")
	node.define(cmd.Flags(), answerTimeout)
	cmd.RunE = p.do(func(cmd *cobra.Command, _ []string) error {
		return node.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			status, err := c.Status(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				_, err := fmt.Fprintf(p.stdout, "%s\n", status)
				return err
			}
			return p.printJSON(status)
		})
	})
	return cmd
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
