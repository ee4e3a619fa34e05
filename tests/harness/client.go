package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// requestTimeout is longer than any promise: a request that takes it has
	// hung.
	requestTimeout = 35 * time.Second
	// lifeTimeout bounds a join or a leave, which move data.
	lifeTimeout = 90 * time.Second
	// poolSize is how many idle connections a client keeps to its node.
	poolSize = 64
)

// Client talks to one address over connections of its own. It follows no
// redirect: the contract has none for keys.
type Client struct {
	address   string // host:port
	http      *http.Client
	transport *http.Transport
}

// Dial connects to an address, as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// NewClient returns a client of the node at host:port.
func NewClient(address string) *Client { return NewClientVia(nil, address) }

// NewClientVia is NewClient with another way to connect; nil: the usual one.
func NewClientVia(dial Dial, address string) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: poolSize, DisableCompression: true, DialContext: dial}
	return &Client{
		address:   address,
		transport: transport,
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Address returns the node's host:port.
func (c *Client) Address() string { return c.address }

// Close closes the client's idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Answer is a whole HTTP response.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// StatusError is an answer other than 2xx and 304.
type StatusError struct {
	Method, Path string
	Answer
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: %d %s", e.Method, e.Path, e.Status, strings.TrimSpace(e.Body))
}

// Do sends one request; path is already encoded. Headers come in pairs of name
// and value. The answer is filled as far as it was read with an error too, which
// is a *StatusError where the node answered.
func (c *Client) Do(method, path string, body []byte, headers ...string) (Answer, error) {
	return c.do(requestTimeout, method, path, body, headers)
}

func (c *Client) do(within time.Duration, method, path string, body []byte, headers []string) (Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.address+path, reader)
	if err != nil {
		return Answer{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	a := Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(text)}
	if err != nil {
		return a, fmt.Errorf("%s %s: read the body: %w", method, path, err)
	}
	if a.Status/100 != 2 && a.Status != http.StatusNotModified {
		return a, &StatusError{Method: method, Path: path, Answer: a}
	}
	return a, nil
}
