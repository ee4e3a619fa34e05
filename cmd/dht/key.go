package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/pflag"
)

// keyArgument is how a key stands on the command line.
type keyArgument struct{ encoded bool }

func (k *keyArgument) define(flags *pflag.FlagSet) {
	flags.BoolVar(&k.encoded, "encoded", false, "KEY is percent-encoded, as 'dht keys' prints it")
}

func (k *keyArgument) key(arg string) (string, error) {
	if k.encoded {
		decoded, err := url.PathUnescape(arg)
		if err != nil {
			return "", fmt.Errorf("%w: the key %q is not percent-encoded: %w", errUsage, arg, err)
		}
		arg = decoded
	}
	if arg == "" {
		return "", fmt.Errorf("%w: the key is empty", errUsage)
	}
	return arg, nil
}
