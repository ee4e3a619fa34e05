package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"pipelinedht/httpapi/client"
)

func (p *program) putCommand() *cobra.Command {
	var (
		node      remote
		arg       keyArgument
		condition conditionFlags
		file      string
		version   bool
	)
	cmd := &cobra.Command{
		Use:   "put KEY [VALUE]",
		Short: "Set the value of a key",
		Long: `Set the value of a key: the argument, the content of --file, or else what comes on
standard input, byte by byte. Prints nothing.

` + exitHelp,
		Args: cobra.RangeArgs(1, 2),
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "read the value from this file; -: from standard input")
	cmd.Flags().BoolVar(&version, "print-version", false, "print the value's new version on standard error, for --if-version")
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
		value, err := p.value(args[1:], file)
		if err != nil {
			return err
		}
		return node.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			v, err := c.Put(ctx, key, value, under)
			if err == nil && version {
				fmt.Fprintln(p.stderr, v)
			}
			return err
		})
	})
	return cmd
}

// value returns what is to be put: the argument, if there is one, else the
// file's content.
func (p *program) value(arg []string, file string) ([]byte, error) {
	switch {
	case len(arg) > 0 && file != "":
		return nil, fmt.Errorf("%w: give the value as an argument or with --file, not both", errUsage)
	case len(arg) > 0:
		return []byte(arg[0]), nil
	case file != "" && file != "-":
		return os.ReadFile(file)
	}
	return io.ReadAll(p.stdin)
}
