package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// keyPath stands before every key.
const keyPath = "/db/"

// Version of a value: no two values of a key ever have the same one. Zero is no
// version.
type Version uint64

// tag returns the ETag that stands for v.
func (v Version) tag() string { return `"` + strconv.FormatUint(uint64(v), 10) + `"` }

// versionOf reads the ETag of an answer; 0 if there is none.
func versionOf(h http.Header) Version {
	v, err := strconv.ParseUint(strings.Trim(h.Get("ETag"), `"`), 10, 64)
	if err != nil {
		return 0
	}
	return Version(v)
}

// Value is what a key holds. Found is false where it holds nothing.
type Value struct {
	Found   bool
	Bytes   []byte
	Version Version
}

// Condition of a write, judged atomically with it. The zero Condition always
// holds.
type Condition struct {
	IfAbsent  bool    // the key must hold nothing
	IfPresent bool    // the key must hold something
	IfVersion Version // the key must hold this version; 0: no demand
}

func (c Condition) header() http.Header {
	h := make(http.Header)
	if c.IfAbsent {
		h.Set("If-None-Match", "*")
	}
	// The node takes one If-Match: a version demands a value already.
	if c.IfVersion != 0 {
		h.Set("If-Match", c.IfVersion.tag())
	} else if c.IfPresent {
		h.Set("If-Match", "*")
	}
	return h
}

// Get reads a key.
func (c *Client) Get(ctx context.Context, key string) (Value, error) {
	body, h, err := c.fetch(ctx, call{method: http.MethodGet, path: keyPath + key})
	if err != nil {
		return Value{}, err
	}
	if h.Get("DHT-Found") == "false" {
		return Value{}, nil
	}
	return Value{Found: true, Bytes: body, Version: versionOf(h)}, nil
}

// Put sets a key's value and returns its new version. Errors: ErrCondition,
// ErrNotDone, ErrUnknown.
func (c *Client) Put(ctx context.Context, key string, value []byte, condition Condition) (Version, error) {
	_, h, err := c.fetch(ctx, call{
		method: http.MethodPut, path: keyPath + key, header: condition.header(), body: value, changes: true,
	})
	if err != nil {
		return 0, err
	}
	return versionOf(h), nil
}

// Delete removes a key and reports whether it held something. Errors:
// ErrCondition, ErrNotDone, ErrUnknown.
func (c *Client) Delete(ctx context.Context, key string, condition Condition) (existed bool, err error) {
	_, h, err := c.fetch(ctx, call{
		method: http.MethodDelete, path: keyPath + key, header: condition.header(), changes: true,
	})
	if err != nil {
		return false, err
	}
	return h.Get("DHT-Found") != "false", nil
}

// Keys streams the keys that the node is primary for, in no order. An error is
// the last thing that the sequence yields.
func (c *Client) Keys(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		resp, err := c.do(ctx, call{method: http.MethodGet, path: "/db"})
		if err != nil {
			yield("", err)
			return
		}
		defer resp.Body.Close()
		lines := bufio.NewReader(resp.Body)
		for {
			line, err := lines.ReadString('\n')
			if errors.Is(err, io.EOF) && line == "" {
				return
			}
			var key string
			if err == nil {
				key, err = url.PathUnescape(strings.TrimSuffix(line, "\r\n"))
			}
			if err != nil {
				yield("", &Error{Request: "GET /db", Err: fmt.Errorf("read the listing: %w", err)})
				return
			}
			if !yield(key, nil) {
				return
			}
		}
	}
}
