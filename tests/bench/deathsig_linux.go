package main

import "syscall"

// dieWithParent has the kernel end a server whose bench is gone, however
// that ended.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
