//go:build !linux

package main

import "syscall"

// dieWithParent is for Linux only; elsewhere a server outlives a bench that
// is killed.
func dieWithParent() *syscall.SysProcAttr { return nil }
