package harness

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Dump writes what the node says of itself to files in dir, and then ends it in
// such a way that it prints its goroutines to its log. One that is not running
// leaves nothing. It is for the evidence of a test that failed, from any goroutine.
func (n *Node) Dump(dir string) error {
	if !n.process.running() {
		return nil
	}
	for _, path := range []string{"/dht/status", "/dht/ring", "/dht/raft", "/readyz", "/metrics"} {
		a, err := n.do(describeWithin, "GET", path, nil, nil)
		text := a.Body
		if err != nil {
			text += "\n" + err.Error() + "\n"
		}
		name := n.Name + strings.ReplaceAll(path, "/", "-") + ".txt"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	_ = n.process.signal(syscall.SIGCONT) // it may be frozen
	if err := n.process.signal(syscall.SIGQUIT); err != nil {
		return err
	}
	n.process.waitFor(exitWithin)
	return nil
}
