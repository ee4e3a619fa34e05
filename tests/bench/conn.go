package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

const (
	dialWithin   = 5 * time.Second
	readAhead    = 16 << 10 // bytes that one read may take
	statusAt     = len("HTTP/1.1 ")
	statusDigits = 3
)

var contentLength = []byte("Content-Length: ")

// conn is a keep-alive connection that reads as little of an answer as it can:
// the status and the length. It belongs to one goroutine.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func dial(address string) (*conn, error) {
	c, err := net.DialTimeout("tcp", address, dialWithin)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, readAhead)}, nil
}

// dialAll opens n connections, to the addresses in turn.
func dialAll(addresses []string, n int) ([]*conn, error) {
	var conns []*conn
	for i := range n {
		c, err := dial(addresses[i%len(addresses)])
		if err != nil {
			closeAll(conns)
			return nil, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func closeAll(conns []*conn) {
	for _, c := range conns {
		c.Close()
	}
}

// answer reads one answer, drops its body and returns its status. An error leaves
// the connection unusable.
func (c *conn) answer() (status int, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < statusAt+statusDigits {
		return 0, fmt.Errorf("%q is no status line", line)
	}
	if status, err = strconv.Atoi(string(line[statusAt : statusAt+statusDigits])); err != nil {
		return 0, err
	}
	length := -1
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if digits, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(digits)); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, errors.New("the answer has no Content-Length")
	}
	_, err = c.r.Discard(length)
	return status, err
}
