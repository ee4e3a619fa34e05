package harness

import "syscall"

// dieWithParent has the kernel end a node whose test process is gone, however
// that ended.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
