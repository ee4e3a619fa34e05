package harness

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// logTail is how many last lines of a node's log a failing test shows; the whole
// log stays in the directory that is printed.
const logTail = 40

// Log returns everything that the node has printed, over all its runs.
func (n *Node) Log() string {
	text, err := os.ReadFile(n.log.Name())
	if err != nil {
		return "log cannot be read: " + err.Error()
	}
	return string(text)
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// describeWithin bounds the questions of describe: the node may hang.
const describeWithin = 2 * time.Second

// describe says what a node thinks of its cluster, for a test that failed.
func (n *Node) describe() string {
	var text strings.Builder
	for _, path := range []string{"/readyz", "/dht/raft"} {
		a, err := n.do(describeWithin, "GET", path, nil, nil)
		fmt.Fprintf(&text, "\n%s: %d %s", path, a.Status, strings.TrimSpace(a.Body))
		if err != nil && a.Status == 0 {
			fmt.Fprintf(&text, "%v", err)
		}
	}
	ring, err := n.Ring()
	if err != nil {
		return text.String() + "\n" + err.Error()
	}
	fmt.Fprintf(&text, "\nring version %d of cluster %s:", ring.Version, ring.Cluster)
	for _, p := range ring.Peers {
		fmt.Fprintf(&text, " %s (%s, %s, %s)", p.Name, p.ID, p.State, p.Address)
	}
	if err := ring.Unsettled(); err != nil {
		fmt.Fprintf(&text, "\nunsettled: %v", err)
	}
	return text.String()
}
