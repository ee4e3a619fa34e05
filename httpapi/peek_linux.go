package httpapi

import "syscall"

// canPeek says that peek can tell.
const canPeek = true

// peek tells what the other end of a stream socket has done. It takes nothing from
// the socket, and does not wait. Bytes that are there to be read hide what came after
// them.
func peek(fd uintptr) peerEnd {
	var b [1]byte
	n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch {
	case err == syscall.EAGAIN, err == syscall.EINTR, err == nil && n > 0:
		return peerOpen
	case err == nil:
		return peerClosed
	}
	return peerReset
}
