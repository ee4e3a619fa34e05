package harness

import (
	"os"
	"strings"
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
