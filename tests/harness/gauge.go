package harness

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Gauge returns the node's figure of that name, one without labels.
func (c *Client) Gauge(name string) (float64, error) {
	a, err := c.Do("GET", "/metrics", nil)
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(strings.NewReader(a.Body))
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(text, 64)
		}
	}
	return 0, fmt.Errorf("there is no %s", name)
}

// LongestStall returns the longest that any of the nodes was kept from running.
func LongestStall(nodes []*Node) (longest time.Duration, err error) {
	for _, n := range nodes {
		seconds, err := n.Gauge("dht_longest_stall_seconds")
		if err != nil {
			return 0, err
		}
		longest = max(longest, time.Duration(seconds*float64(time.Second)))
	}
	return longest, nil
}
