package host

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
	"pipelinedht/partition/storage"
)

// Defaults of Config and Limits.
const (
	DefaultTimeout        = 10 * time.Second
	DefaultNodeBytes      = 256 << 20
	DefaultPeerBytes      = 96 << 20
	DefaultPartitionBytes = 32 << 20
)

// ErrNotSent is returned by Net.Call where the call was surely not delivered.
// After any other error it may have been.
var ErrNotSent = errors.New("not sent")

// ErrTooLarge is returned by Net.Call where the call was delivered and carried
// out, but its reply did not fit the lane.
var ErrTooLarge = errors.New("reply too large for the lane")

// keptBody is the size in bytes beyond which Net may keep a body instead of copying it.
const keptBody = 64 << 10

// Net carries bodies to other nodes. Those of up to 64 KiB are copied, or handed
// over, before its methods return; what is larger does not change any more, and may
// be kept. Lanes keep their order.
type Net interface {
	// Send queues one-way messages; it never blocks. False: there is no usable
	// connection or its buffer is full, and nothing was sent.
	Send(to partition.NodeID, lane replica.Lane, bodies ...[]byte) bool
	// Call returns the reply to body, which is the caller's. Errors: ErrNotSent,
	// ErrTooLarge, or anything else, after which the call may have been carried out.
	Call(ctx context.Context, to partition.NodeID, lane replica.Lane, body []byte) ([]byte, error)
	// MaxBody returns the largest body, in bytes, that a lane takes.
	MaxBody(lane replica.Lane) int
}

// Cluster is the map, as this node's FSM has applied it.
type Cluster interface {
	// Map returns the latest map, nil if there is none yet.
	Map() *partition.Map
	// Watch returns a channel that is closed at the next change of the map.
	Watch() <-chan struct{}
	// ChangeCopies proposes changes and returns nil once their outcome is known
	// here: Map then includes those that were applied, and no other will be.
	ChangeCopies(ctx context.Context, changes []partition.Change) error
}

// Limits of what clients may have under way, in bytes of keys and values. Beyond
// them an operation waits, and at its deadline is told partition.ErrUnavailable.
// One operation is always let in, whatever its size. Zero means the default.
type Limits struct {
	NodeBytes      int64 // of operations taken from clients, and as many served as primary
	PeerBytes      int64 // of operations forwarded to any one peer
	PartitionBytes int64 // of writes that any one partition has not committed
}

// Config of a Host. Self, Incarnation, Generation, Store, Net, Cluster and Fatal
// are required.
type Config struct {
	Self        partition.NodeID
	Incarnation partition.Incarnation
	Generation  storage.Generation // whose copies in Store are run
	Store       *storage.Store
	Net         Net
	Cluster     Cluster

	// Keep says which copies stay in the store's directory when the map gives
	// them no place here any more, or they are void: a leaver's own, and those of
	// a node that is removed unasked. Nil: none. It may be called from any goroutine.
	Keep func(partition.ID) bool
	// Tombstones: deletes leave tombstones, and no tombstone is swept.
	Tombstones bool
	// Timeout bounds an operation whose context has no deadline; DefaultTimeout.
	Timeout time.Duration
	// RebalanceBytes bounds the values sent to copies that catch up, in bytes a
	// second; 0: unlimited.
	RebalanceBytes int64
	Limits         Limits

	// Fatal is called once, from a goroutine of the Host, when the store failed or
	// hangs. Nothing is acknowledged after that; the process should end.
	Fatal func(error)
	// Clock goes on while the process is stopped or the machine asleep; nil:
	// CLOCK_BOOTTIME.
	Clock func() time.Duration
	// Wall is the time that stamps are made of; nil: time.Now.
	Wall   func() time.Time
	Logger *slog.Logger // nil: slog.Default()
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Limits.NodeBytes == 0 {
		c.Limits.NodeBytes = DefaultNodeBytes
	}
	if c.Limits.PeerBytes == 0 {
		c.Limits.PeerBytes = DefaultPeerBytes
	}
	if c.Limits.PartitionBytes == 0 {
		c.Limits.PartitionBytes = DefaultPartitionBytes
	}
	if c.Clock == nil {
		c.Clock = bootTime
	}
	if c.Wall == nil {
		c.Wall = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func (c Config) validate() error {
	var faults []error
	need := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New(what+" is required"))
		}
	}
	need(c.Self != 0, "Self")
	need(c.Incarnation != 0, "Incarnation")
	need(c.Generation != 0, "Generation")
	need(c.Store != nil, "Store")
	need(c.Net != nil, "Net")
	need(c.Cluster != nil, "Cluster")
	need(c.Fatal != nil, "Fatal")
	if c.Timeout < 0 || c.RebalanceBytes < 0 {
		faults = append(faults, errors.New("a negative Timeout or RebalanceBytes: leave it out for the default"))
	}
	return errors.Join(faults...)
}
