//go:build !linux

package httpapi

const canPeek = false

func peerGone(uintptr) bool { return false }
