//go:build !linux

package harness

import "syscall"

// dieWithParent is for Linux only; elsewhere a node outlives a test process that
// is killed.
func dieWithParent() *syscall.SysProcAttr { return nil }
