//go:build !linux

package host

import "time"

var processStart = time.Now()

// bootTime reads the monotonic clock, which on some systems stands while the
// machine is asleep: a primary that sleeps there may read under a lease that has
// run out.
func bootTime() time.Duration { return time.Since(processStart) }
