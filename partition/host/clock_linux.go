package host

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bootTime reads CLOCK_BOOTTIME, which goes on while the process is stopped and
// while the machine is asleep. The scheduler is not told of the call, which would wake
// a thread of an idle node; it does not last.
func bootTime() time.Duration {
	var ts unix.Timespec
	if _, _, errno := unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_BOOTTIME, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		panic(fmt.Sprintf("read CLOCK_BOOTTIME: %v", errno))
	}
	return time.Duration(ts.Nano())
}
