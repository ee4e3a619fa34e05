package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"pipelinedht/httpapi/client"
)

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
