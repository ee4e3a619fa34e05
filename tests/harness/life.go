package harness

import (
	"strings"
)

// Peers returns the names that the node lists, in its order.
func (c *Client) Peers() ([]string, error) { return c.lines("/dht/peers") }

// Join has the node join through the contacts (name:host:port), in order.
func (c *Client) Join(contacts ...string) error {
	_, err := c.JoinBody(strings.Join(contacts, "\r\n"))
	return err
}

// JoinBody sends a join request with exactly this body.
func (c *Client) JoinBody(body string) (Answer, error) {
	return c.do(lifeTimeout, "POST", "/dht/join", []byte(body), nil)
}

// Leave has the node leave its cluster.
func (c *Client) Leave() error {
	_, err := c.do(lifeTimeout, "POST", "/dht/leave", nil, nil)
	return err
}
