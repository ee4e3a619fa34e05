package node

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// briefBytes is the most that one call may move: what is larger takes long enough
// for the scheduler to hear of it.
const briefBytes = 64 << 10

// quietConn is a TCP connection that reads and writes without telling Go's scheduler.
//
// The scheduler hears of a system call because it may last. On a node that was idle
// that wakes the thread which looks after lasting calls, and that one looks every
// 20 us, and then less and less often, until the node is idle again: a third of an
// idle node's CPU. These calls never last: Go's sockets do not block, and what waits
// for them waits in Go.
type quietConn struct {
	*net.TCPConn
	reads, writes brief
}

// quieten returns nc, or a quietConn in its place.
func quieten(nc net.Conn) net.Conn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nc
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nc // closed: let the caller find out
	}
	c := &quietConn{TCPConn: tcp}
	c.reads.init("read", unix.SYS_READ, tcp, raw.Read)
	c.writes.init("write", unix.SYS_WRITE, tcp, raw.Write)
	return c
}

// Read implements net.Conn.
func (c *quietConn) Read(p []byte) (int, error) {
	if len(p) == 0 || len(p) > briefBytes {
		return c.TCPConn.Read(p)
	}
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	n, err := c.reads.moveLocked(p)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// Write implements net.Conn.
func (c *quietConn) Write(p []byte) (n int, err error) {
	if len(p) == 0 || len(p) > briefBytes {
		return c.TCPConn.Write(p)
	}
	c.writes.mu.Lock()
	defer c.writes.mu.Unlock()
	for n < len(p) && err == nil {
		var more int
		more, err = c.writes.moveLocked(p[n:])
		n += more
	}
	return n, err
}

// brief is one direction of a quietConn.
type brief struct {
	name string
	trap uintptr
	tcp  *net.TCPConn
	wait func(func(fd uintptr) bool) error // calls until true, when the socket is ready
	try  func(fd uintptr) bool             // once, so that no call allocates

	mu    sync.Mutex // guards what follows
	p     []byte
	n     int
	errno syscall.Errno
}

func (b *brief) init(name string, trap uintptr, tcp *net.TCPConn, wait func(func(uintptr) bool) error) {
	b.name, b.trap, b.tcp, b.wait, b.try = name, trap, tcp, wait, b.call
}

// moveLocked reads into p or writes from it, once, when the socket is ready.
func (b *brief) moveLocked(p []byte) (int, error) {
	b.p, b.n, b.errno = p, 0, 0
	err := b.wait(b.try)
	b.p = nil
	if err == nil && b.errno != 0 {
		err = &net.OpError{Op: b.name, Net: "tcp", Source: b.tcp.LocalAddr(), Addr: b.tcp.RemoteAddr(),
			Err: os.NewSyscallError(b.name, b.errno)}
	}
	return b.n, err
}

// call makes the system call; false: the socket is not ready.
func (b *brief) call(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall(b.trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b.p))), uintptr(len(b.p)))
		switch errno {
		case 0:
			b.n = int(n)
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			b.errno = errno
			return true
		}
	}
}
