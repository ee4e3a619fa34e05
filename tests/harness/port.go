package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Ports are drawn from below the range that the kernel gives to outgoing
// connections (32768 and up on Linux): a node that is down can so come back on
// its port, and a dial to a dead node cannot connect to itself.
const (
	lowestPort  = 12000
	highestPort = 32000
	portTries   = 200
)

// given are the ports that FreePort has given away.
var given sync.Map

// FreePort returns a port of localhost that nobody listens on now, and that this
// process was not given before. Another one may take it before its user does;
// Start draws another one then.
func FreePort(t testing.TB) int {
	t.Helper()
	for range portTries {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port))
		if err != nil {
			continue
		}
		l.Close()
		return port
	}
	t.Fatalf("no free port between %d and %d in %d tries", lowestPort, highestPort, portTries)
	return 0
}
