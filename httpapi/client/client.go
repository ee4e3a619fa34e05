// Package client talks to a node of the hash table over HTTP.
//
// It knows one node, by address, and any node serves every key; it follows no
// map and repeats nothing. A Client may be used from any number of goroutines.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
)

// DefaultAddress is where a node listens unless told otherwise.
const DefaultAddress = "localhost:9876"

// largeBody is the length from which a body is sent only once the node has said
// that it will take it.
const largeBody = 1 << 20

// idleConnections is how many connections to its node a Client keeps.
const idleConnections = 64

// Client of one node. Make one with New.
type Client struct {
	address string
	http    *http.Client
}

// New returns a Client of the node at address (host:port). It connects when it
// is first used.
func New(address string) *Client {
	return &Client{
		address: address,
		http: &http.Client{
			Transport: &http.Transport{
				MaxIdleConnsPerHost:   idleConnections,
				DisableCompression:    true,
				ExpectContinueTimeout: time.Second,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse // the contract has none
			},
		},
	}
}

// Close closes the idle connections. The Client may be used again.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call is one request.
type call struct {
	method string
	path   string // unescaped
	query  string
	header http.Header
	body   []byte
	// changes: the request may take effect, so that it matters whether it did.
	changes bool
}

// do sends a request and returns the answer, which is a success or 304. Errors
// are *Error; the caller closes the body of the answer otherwise.
func (c *Client) do(ctx context.Context, call call) (*http.Response, error) {
	what := call.method + " " + escape(call.path)
	target := "http://" + c.address + escape(call.path)
	if call.query != "" {
		target += "?" + call.query
	}
	var sent bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent = true }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), call.method, target, bytes.NewReader(call.body))
	if err != nil {
		return nil, &Error{Request: what, Err: err}
	}
	if call.header != nil {
		req.Header = call.header
	}
	if len(call.body) >= largeBody {
		req.Header.Set("Expect", "100-continue")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &Error{Request: what, Unknown: sent && call.changes, Err: unwrapURL(err)}
	}
	if resp.StatusCode/100 == 2 || resp.StatusCode == http.StatusNotModified {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, answerError(what, call.changes, resp)
}

// escape percent-encodes all of a path but its slashes up to the key.
func escape(path string) string {
	if key, ok := strings.CutPrefix(path, keyPath); ok {
		return keyPath + url.PathEscape(key)
	}
	return path
}

// fetch returns the whole body of a successful answer.
func (c *Client) fetch(ctx context.Context, call call) ([]byte, http.Header, error) {
	resp, err := c.do(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	// The status is in: a change is done, and has nothing more to say.
	if err != nil && !call.changes {
		return nil, nil, &Error{Request: call.method + " " + escape(call.path), Err: fmt.Errorf("read the answer: %w", err)}
	}
	return body, resp.Header, nil
}

// fetchJSON decodes the body of a successful answer into v.
func (c *Client) fetchJSON(ctx context.Context, call call, v any) error {
	body, _, err := c.fetch(ctx, call)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return &Error{Request: call.method + " " + call.path, Err: fmt.Errorf("read the answer: %w", err)}
	}
	return nil
}
