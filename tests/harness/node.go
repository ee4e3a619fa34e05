package harness

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// readyWithin is how long a node may take to answer GET / before the test
	// fails; the half second that is promised is printed, not asserted, because
	// the machine is shared.
	readyWithin = 20 * time.Second
	// startTries bounds how often a port that was snatched away is replaced.
	startTries = 5
	// exitWithin is how long a node may take to stop on SIGTERM.
	exitWithin = 40 * time.Second
)

// Node is one node, running or not. Its Client talks to the address that it was
// last started on.
type Node struct {
	*Client
	Name    string
	Port    int
	DataDir string        // "": in memory
	ReadyIn time.Duration // from the last start to the first answer to GET /

	t       testing.TB
	spec    Spec
	log     *os.File
	process *process
}

// Start starts a node with nothing but a name and a port, and args, and waits
// until it is ready. The node ends with the test.
func Start(t testing.TB, name string, args ...string) *Node {
	t.Helper()
	return StartSpec(t, Spec{Name: name, Args: args})
}

// StartDurable is Start with a data directory.
func StartDurable(t testing.TB, name string, args ...string) *Node {
	t.Helper()
	return StartSpec(t, Spec{Name: name, Durable: true, Args: args})
}

// Contact returns the node's entry of a join list.
func (n *Node) Contact() string {
	if n.spec.Advertise != "" {
		return n.Name + ":" + n.spec.Advertise
	}
	return n.Name + ":" + n.Address()
}

// Restart starts the stopped node again, on the same port.
func (n *Node) Restart() {
	n.t.Helper()
	n.Launch(n.Port)
	n.AwaitReady()
}

// startReady starts the node and replaces a port that was taken meanwhile.
func (n *Node) startReady(port int) {
	n.t.Helper()
	for range startTries {
		n.Launch(port)
		if err := n.WaitReady(readyWithin); err == nil {
			return
		} else if n.process.running() || !strings.Contains(n.Log(), "in use") {
			n.t.Fatal(err)
		}
		port = FreePort(n.t)
	}
	n.t.Fatalf("%s: %d ports were taken one after another", n.Name, startTries)
}

// Launch starts the node's process on a port and does not wait for it.
func (n *Node) Launch(port int) {
	n.t.Helper()
	if n.Client != nil {
		n.Client.Close()
	}
	host := "localhost"
	args := []string{"serve", "--name", n.Name, "--port", strconv.Itoa(port)}
	if n.spec.Host != "" {
		host = n.spec.Host
		args = append(args, "--host", host)
	}
	n.Port = port
	n.Client = NewClientVia(n.spec.Dial, fmt.Sprintf("%s:%d", host, port))
	if n.DataDir != "" {
		args = append(args, "--data-dir", n.DataDir)
	}
	if n.spec.Advertise != "" {
		args = append(args, "--advertise", n.spec.Advertise)
	}
	p, err := n.spec.start(n.log, slices.Concat(args, n.spec.Args))
	if err != nil {
		n.t.Fatalf("start %s: %v", n.Name, err)
	}
	n.process = p
}

// AwaitReady waits until the launched node answers GET / with 200.
func (n *Node) AwaitReady() {
	n.t.Helper()
	if err := n.WaitReady(readyWithin); err != nil {
		n.t.Fatal(err)
	}
}

// WaitReady is AwaitReady for any goroutine and any time.
func (n *Node) WaitReady(within time.Duration) error {
	begun := time.Now()
	err := Poll(within, func() error {
		if !n.process.running() {
			return Stop(fmt.Errorf("exited before it was ready: %v", n.process.err))
		}
		_, err := n.Do("GET", "/", nil)
		n.ReadyIn = time.Since(begun)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	return nil
}

// ErrReady says that a node is ready that should not be.
var ErrReady = errors.New("it says that it is ready")

// CheckReady returns nil if the node serves, has caught up and is not about to stop.
func (n *Node) CheckReady() error {
	_, err := n.Do("GET", "/readyz", nil)
	return err
}

// Kill ends the node as kill -9 does.
func (n *Node) Kill() { n.process.kill() }

// Terminate asks the node to stop and waits until it has, with exit status 0.
func (n *Node) Terminate() {
	n.t.Helper()
	if err := n.Stop(); err != nil {
		n.t.Fatal(err)
	}
}

// Stop is Terminate for any goroutine.
func (n *Node) Stop() error {
	if err := n.process.signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", n.Name, err)
	}
	if !n.process.waitFor(exitWithin) {
		_ = n.process.signal(syscall.SIGQUIT) // it prints its goroutines
		return fmt.Errorf("%s: still running %v after SIGTERM; its goroutines are in its log", n.Name, exitWithin)
	}
	if n.process.err != nil {
		return fmt.Errorf("%s: exit on SIGTERM: %w", n.Name, n.process.err)
	}
	return nil
}

// end is the node's cleanup: it kills the process and reads its log.
func (n *Node) end() {
	if n.process != nil {
		if n.t.Failed() && n.process.running() {
			n.t.Logf("%s at the end:%s", n.Name, n.describe())
		}
		n.process.kill()
		n.Client.Close()
	}
	log := n.Log()
	n.log.Close()
	for _, bad := range []string{"panic: ", "fatal error: ", "DATA RACE"} {
		if strings.Contains(log, bad) {
			n.t.Errorf("%s: its log shows %q", n.Name, bad)
		}
	}
	if n.t.Failed() {
		said, _, _ := strings.Cut(log, "SIGQUIT: quit") // and its goroutines
		n.t.Logf("end of the log of %s:\n%s", n.Name, tail(said, logTail))
	}
}
