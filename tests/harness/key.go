package harness

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// KeyPath returns the path of a key: every byte but letters, digits, '-', '_'
// and '~' percent-encoded.
func KeyPath(key string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~"
	var path strings.Builder
	path.WriteString("/db/")
	for i := range len(key) {
		if strings.IndexByte(plain, key[i]) >= 0 {
			path.WriteByte(key[i])
		} else {
			fmt.Fprintf(&path, "%%%02X", key[i])
		}
	}
	return path.String()
}

// Get reads a key.
func (c *Client) Get(key string) (value string, found bool, err error) {
	a, err := c.Do("GET", KeyPath(key), nil)
	if err != nil {
		return "", false, err
	}
	found = a.Header.Get("DHT-Found") != "false"
	if found != (a.Header.Get("ETag") != "") || !found && a.Body != "" {
		return "", false, fmt.Errorf("GET %s: contradictory answer: DHT-Found %q, ETag %q, %d bytes",
			KeyPath(key), a.Header.Get("DHT-Found"), a.Header.Get("ETag"), len(a.Body))
	}
	return a.Body, found, nil
}

// Put writes a key.
func (c *Client) Put(key, value string) error {
	_, err := c.Do("PUT", KeyPath(key), []byte(value))
	return err
}

// Delete removes a key.
func (c *Client) Delete(key string) error {
	_, err := c.Do("DELETE", KeyPath(key), nil)
	return err
}

// Keys returns the keys that the node lists as its own, sorted.
func (c *Client) Keys() ([]string, error) {
	lines, err := c.lines("/db")
	if err != nil {
		return nil, err
	}
	for i, line := range lines {
		if lines[i], err = url.PathUnescape(line); err != nil {
			return nil, fmt.Errorf("GET /db: line %q: %w", line, err)
		}
	}
	slices.Sort(lines)
	return lines, nil
}

// lines returns the lines of a listing, each of which must end in CR LF.
func (c *Client) lines(path string) ([]string, error) {
	a, err := c.Do("GET", path, nil)
	if err != nil {
		return nil, err
	}
	if a.Body == "" {
		return nil, nil
	}
	body, ok := strings.CutSuffix(a.Body, "\r\n")
	if !ok {
		return nil, fmt.Errorf("GET %s: the last line does not end in CR LF: %q", path, tail(a.Body, 1))
	}
	return strings.Split(body, "\r\n"), nil
}
