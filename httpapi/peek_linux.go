package httpapi

import "syscall"

// canPeek says that peerGone can tell.
const canPeek = true

// peerGone reports whether the other end of a stream socket has closed or reset it.
// It takes nothing from the socket, and does not wait. Bytes that are there to be
// read hide that the other end is gone.
func peerGone(fd uintptr) bool {
	var b [1]byte
	n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch err {
	case nil:
		return n == 0
	case syscall.EAGAIN, syscall.EINTR:
		return false
	}
	return true
}
