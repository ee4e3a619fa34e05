package load_test

import (
	"fmt"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"pipelinedht/tests/harness"
)

// TestANodeThatMayOpenNoMoreFiles serves those that are connected, and others as
// soon as there is room again.
func TestANodeThatMayOpenNoMoreFiles(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	before := mustDial(t, n.Address())
	ask := func() error {
		resp, text, err := before.ask("PUT", "/db/k", "v")
		if err == nil && resp.StatusCode != 200 {
			err = fmt.Errorf("%d %s", resp.StatusCode, text)
		}
		return err
	}
	must(t, ask())
	held, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", n.PID()))
	must(t, err)
	few := unix.Rlimit{Cur: uint64(len(held)) + 10, Max: uint64(len(held)) + 10}
	must(t, unix.Prlimit(n.PID(), unix.RLIMIT_NOFILE, &few, nil))

	var crowd []net.Conn
	for range 50 { // the kernel takes them, the node cannot
		c, err := net.Dial("tcp", n.Address())
		must(t, err)
		crowd = append(crowd, c)
	}
	for range 20 {
		must(t, ask())
	}
	for _, c := range crowd {
		c.Close()
	}
	harness.Await(t, answerWithin, "others are served again", func() error { return n.Put("k", "w") })
	must(t, ask())
}
