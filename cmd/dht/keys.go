package main

import (
	"bufio"
	"context"

	"github.com/spf13/cobra"

	"pipelinedht/httpapi"
	"pipelinedht/httpapi/client"
)

func (p *program) keysCommand() *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "List the keys that a node is primary for",
		Long: `List the keys that a node is primary for, one a line, in no order. Control bytes and
'%' are percent-encoded: give such a key back with --encoded.`,
		Args: cobra.NoArgs,
	}
	node.define(cmd.Flags(), 0)
	cmd.RunE = p.do(func(cmd *cobra.Command, _ []string) error {
		return node.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			out := bufio.NewWriter(p.stdout)
			for key, err := range c.Keys(ctx) {
				if err != nil {
					out.Flush() // the listing's error is the one to tell
					return err
				}
				if _, err := out.Write(append(httpapi.AppendLine(nil, []byte(key)), '\n')); err != nil {
					return err
				}
			}
			return out.Flush()
		})
	})
	return cmd
}
