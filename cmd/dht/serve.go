package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pipelinedht/cmd/internal/node"
	"pipelinedht/httpapi"
)

// serveFlags are the flags of dht serve, as they are written.
type serveFlags struct {
	node            node.Config
	join            []string
	logLevel        string
	shutdownTimeout time.Duration
}

func (p *program) serveCommand() *cobra.Command {
	f := new(serveFlags)
	cmd := &cobra.Command{
		Use:   "serve --name NAME [--port PORT] [--data-dir DIR] [--join HOST:PORT]",
		Short: "Run a node",
		Long: `Run a node until it gets SIGINT or SIGTERM. It stands alone, or with what its data
directory knows, until it is told to join others. Every flag is also read from the
environment, under the name in brackets.`,
		Args: cobra.NoArgs,
	}
	f.define(cmd.Flags())
	offerEnvironment(cmd.Flags())
	cmd.RunE = p.do(func(cmd *cobra.Command, _ []string) error {
		cfg, err := f.config(p.stderr)
		if err != nil {
			return err
		}
		return p.serve(cmd.Context(), cfg, f.shutdownTimeout)
	})
	return cmd
}

func (f *serveFlags) define(flags *pflag.FlagSet) {
	flags.SortFlags = false
	c := &f.node
	flags.StringVarP(&c.Name, "name", "n", "", "name of the node, unique in its cluster; required")
	flags.StringVarP(&c.Host, "host", "k", node.DefaultHost, "host to listen on, and under which others reach this node")
	flags.IntVarP(&c.Port, "port", "p", 9876, "port for everything, from clients and from other nodes; 0: any free one")
	flags.StringVar(&c.Advertise, "advertise", "", "host:port under which others reach this node, where that is not --host and --port")
	flags.StringVar(&c.DataDir, "data-dir", "", "directory for the data; without it all is kept in memory, and lost in the end")
	flags.IntVar(&c.Replicas, "replicas", node.DefaultReplicas, "copies of each value, 1 to 7, in a cluster that starts with this node")
	flags.IntVar(&c.Partitions, "partitions", node.DefaultPartitions, "slices of the keys, 1 to 65536, in a cluster that starts with this node")
	flags.StringSliceVar(&f.join, "join", nil, "host:port of a node whose cluster to join; repeated, or separated by commas")
	flags.StringVar(&c.Secret, "secret", "", "secret that all nodes of the cluster share (better given in the environment)")
	flags.BoolVar(&c.Insecure, "insecure", false, "listen beyond this machine without a secret")
	flags.DurationVar(&c.ReplaceAfter, "replace-after", node.DefaultReplaceAfter, "how long a peer may be down before its copies are made elsewhere")
	flags.DurationVar(&c.RequestTimeout, "request-timeout", node.DefaultRequestTimeout, "how long a request may wait for the cluster")
	flags.DurationVar(&f.shutdownTimeout, "shutdown-timeout", 30*time.Second, "how long requests under way may take after SIGTERM")
	flags.Var((*size)(&c.RebalanceRate), "rebalance-rate", "bytes a second that this node sends to copies that move; 0: no bound")
	c.DiskReserve = node.DefaultDiskReserve
	flags.Var((*size)(&c.DiskReserve), "disk-reserve", "free disk space, or an eighth of the disk, below which the node takes no new values; 0: none")
	defineLimits(flags, &c.Limits)
	defineFlight(flags, &c.Flight)
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
}

// config returns the configuration of a node that logs to log, or every fault of
// the flags.
func (f *serveFlags) config(log io.Writer) (node.Config, error) {
	c := f.node
	var faults []error
	if err := httpapi.CheckName(c.Name); err != nil {
		faults = append(faults, fmt.Errorf("--name: %w", err))
	}
	inRange := func(flag string, value, least, most int) {
		if value < least || value > most {
			faults = append(faults, fmt.Errorf("--%s %d: give %d to %d", flag, value, least, most))
		}
	}
	inRange("port", c.Port, 0, 65535)
	if c.Advertise != "" {
		if err := httpapi.CheckAddress(c.Advertise); err != nil {
			faults = append(faults, fmt.Errorf("--advertise: %w", err))
		}
	}
	inRange("replicas", c.Replicas, 1, 7)
	inRange("partitions", c.Partitions, 1, 65536)
	for _, entry := range f.join {
		contact, err := joinContact(entry)
		if err != nil {
			faults = append(faults, fmt.Errorf("--join: %w", err))
		}
		c.Join = append(c.Join, contact)
	}
	positive := func(flag string, d time.Duration) {
		if d <= 0 {
			faults = append(faults, fmt.Errorf("--%s %v: give a time above 0, such as 30s", flag, d))
		}
	}
	positive("replace-after", c.ReplaceAfter)
	positive("request-timeout", c.RequestTimeout)
	positive("shutdown-timeout", f.shutdownTimeout)
	faults = append(faults, limitFaults(c.Limits, c.Flight)...)
	if c.DiskReserve == 0 {
		c.DiskReserve = -1 // what node.Config calls none
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		faults = append(faults, fmt.Errorf("--log-level %q: give debug, info, warn or error", f.logLevel))
	}
	c.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level}))
	if len(faults) > 0 {
		return c, fmt.Errorf("%w: %w", errUsage, errors.Join(faults...))
	}
	return c, nil
}

// joinContact reads an entry of --join: host:port, or name:host:port as in a
// join list.
func joinContact(entry string) (httpapi.Contact, error) {
	if err := httpapi.CheckAddress(entry); err == nil {
		return httpapi.Contact{Address: entry}, nil
	}
	contacts, err := httpapi.ParseContacts(entry)
	if err != nil || len(contacts) != 1 {
		return httpapi.Contact{}, fmt.Errorf("%q is not host:port", strings.ToValidUTF8(entry, "?"))
	}
	return contacts[0], nil
}
