package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

// Defaults of Config's fields.
const (
	DefaultHost           = "localhost"
	DefaultReplicas       = 3
	DefaultPartitions     = 1024
	DefaultReplaceAfter   = 5 * time.Minute
	DefaultRequestTimeout = 30 * time.Second
)

// Config of a Node. Zero means the default, where there is one.
type Config struct {
	Name string // required; httpapi.CheckName
	Host string // to listen on; DefaultHost
	Port int    // 0: any free one
	// Listener to serve on instead of one on Host and Port.
	Listener net.Listener
	// Advertise is the host:port that others are told to reach this node at, where
	// it is not the one that the node listens on: behind a forwarded port, or with
	// a Host that stands for every address. "": the listener's own.
	Advertise string

	DataDir    string // "": everything in memory, lost on Close
	Replicas   int    // of a cluster founded by this node, 1 to 7; DefaultReplicas
	Partitions int    // of a cluster founded by this node, 1 to 65,536; DefaultPartitions

	Join     []httpapi.Contact // to join once up, tried until it works or is refused
	Secret   string            // shared by all nodes of a cluster; "": none
	Insecure bool              // allow a listener beyond loopback without a secret

	ReplaceAfter   time.Duration // a peer down for this long has its copies made elsewhere
	RequestTimeout time.Duration // how long a request may wait before it is answered 503 or 504

	// RebalanceRate bounds, in bytes a second, the values that this node sends to
	// copies that catch up or move; 0: unlimited.
	RebalanceRate int

	// DiskReserve, in bytes, or an eighth of the disk if that is less, is kept
	// free: below it the node takes no new values. Below 0: none;
	// DefaultDiskReserve.
	DiskReserve int

	Limits httpapi.Limits // of the HTTP server
	Flight Flight         // of what clients have under way between the nodes

	Logger *slog.Logger // slog.Default()

	// For tests.
	FS    vfs.FS                                                      // of the store, with DataDir; vfs.Default
	Dial  func(ctx context.Context, address string) (net.Conn, error) // dialQuietly
	Clock func() time.Duration                                        // host.Config's
}

// ErrConfig is returned by Open for a Config that cannot work; its text names
// every fault and what to do.
var ErrConfig = errors.New("bad configuration")

// withDefaults returns c with zero fields replaced by their defaults.
func (c Config) withDefaults() Config {
	if c.Host == "" {
		c.Host = DefaultHost
	}
	if c.Replicas == 0 {
		c.Replicas = DefaultReplicas
	}
	if c.Partitions == 0 {
		c.Partitions = DefaultPartitions
	}
	if c.ReplaceAfter == 0 {
		c.ReplaceAfter = DefaultReplaceAfter
	}
	if c.RequestTimeout == 0 {
		c.RequestTimeout = DefaultRequestTimeout
	}
	if c.DiskReserve == 0 {
		c.DiskReserve = DefaultDiskReserve
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Dial == nil {
		c.Dial = dialQuietly
	}
	return c
}

// validate reports every fault of c at once.
func (c Config) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if err := httpapi.CheckName(c.Name); err != nil {
		faults = append(faults, err)
	}
	if c.Port < 0 || c.Port > 65535 {
		fault("port %d: give one from 0 (any free port) to 65535", c.Port)
	}
	if c.Advertise != "" {
		if err := httpapi.CheckAddress(c.Advertise); err != nil {
			fault("advertise: %w", err)
		}
	}
	if c.Replicas < 1 || c.Replicas > 7 {
		fault("replicas %d: give 1 to 7", c.Replicas)
	}
	if c.Partitions < 1 || c.Partitions > 65536 {
		fault("partitions %d: give 1 to 65536", c.Partitions)
	}
	if c.ReplaceAfter < 0 || c.RequestTimeout < 0 {
		fault("a negative time-out: leave it out for the default")
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(faults...))
}

// settings of a cluster that this node founds.
func (c Config) settings() partition.Settings {
	return partition.Settings{Partitions: c.Partitions, Replicas: c.Replicas, Hash: "xxhash64"}
}
