package replica

import (
	"time"

	"pipelinedht/partition"
)

// Config of a Node. Durations are on the clock whose readings the caller passes
// as now, which must go on while the process is stopped or the machine asleep
// (CLOCK_BOOTTIME).
type Config struct {
	Self        partition.NodeID
	Incarnation partition.Incarnation
	Beacon      time.Duration // between beacons; 250 ms
	Lease       time.Duration // L: how long a grant lets its receiver read, from the beacon's sending; 1.2 s
	Grant       time.Duration // G: how long the granter keeps still, from the beacon's receipt; 1.6 s
	Silence     time.Duration // without acknowledgement or lease: the primary drops the copy; 1 s
	Resend      time.Duration // before something unanswered is sent again; 250 ms
	WindowBytes int           // of recent entries kept in memory per partition, beyond the unacknowledged; 256 KiB
	LogRecords  int           // kept in each copy's log; 256
	Seed        uint64        // for nothing but spreading work
}
