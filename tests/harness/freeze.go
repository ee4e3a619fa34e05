package harness

import (
	"fmt"
	"syscall"
)

// Freeze stops the node's process where it stands, as a machine that hangs does,
// until Thaw. Its connections stay open.
func (n *Node) Freeze() {
	n.t.Helper()
	if err := n.Signal(syscall.SIGSTOP); err != nil {
		n.t.Fatal(err)
	}
}

// Thaw has a frozen process go on.
func (n *Node) Thaw() {
	n.t.Helper()
	if err := n.Signal(syscall.SIGCONT); err != nil {
		n.t.Fatal(err)
	}
}

// PID returns the id of the process of the node's last start.
func (n *Node) PID() int { return n.process.cmd.Process.Pid }

// Signal sends sig to the node's process, for any goroutine. One that has ended
// gets none.
func (n *Node) Signal(sig syscall.Signal) error {
	if err := n.process.signal(sig); err != nil {
		return fmt.Errorf("%v to %s: %w", sig, n.Name, err)
	}
	return nil
}
