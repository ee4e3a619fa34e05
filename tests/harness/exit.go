package harness

import (
	"errors"
	"fmt"
	"time"
)

// WaitExit waits until the node's process has ended by itself, with an exit status
// that says that it had to.
func (n *Node) WaitExit(within time.Duration) error {
	if !n.process.waitFor(within) {
		return fmt.Errorf("%s: still running after %v", n.Name, within)
	}
	if n.process.err == nil {
		return errors.New(n.Name + ": ended with exit status 0")
	}
	return nil
}
