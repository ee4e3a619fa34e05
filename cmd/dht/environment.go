package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// inEnvironment marks a flag that is also read from the environment.
const inEnvironment = "environment"

// variable returns the name that a flag has in the environment: --data-dir is
// DHT_DATA_DIR.
func variable(flag string) string {
	return "DHT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// offerEnvironment has all flags read from the environment, too, and says so in
// their help.
func offerEnvironment(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		f.Usage += " [" + variable(f.Name) + "]"
		f.Annotations = map[string][]string{inEnvironment: nil}
	})
}

// fromEnvironment sets the flags that the command line did not. An empty
// variable counts as none.
func (p *program) fromEnvironment(flags *pflag.FlagSet) error {
	var first error
	flags.VisitAll(func(f *pflag.Flag) {
		_, offered := f.Annotations[inEnvironment]
		if !offered || f.Changed || first != nil {
			return
		}
		value, ok := p.lookup(variable(f.Name))
		if !ok || value == "" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			first = fmt.Errorf("%s in the environment: %w", variable(f.Name), err)
		}
	})
	return first
}
