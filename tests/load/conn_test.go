package load_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// answerWithin is longer than any promise: a request that takes it has hung.
const answerWithin = 60 * time.Second

// conn is one connection of a client, which sends one request after another.
type conn struct {
	net.Conn
	in *bufio.Reader
}

func dial(address string) (*conn, error) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{nc, bufio.NewReaderSize(nc, 1<<10)}, nil
}

// mustDial is dial for a test that needs the connection; it goes with the test.
func mustDial(t *testing.T, address string) *conn {
	t.Helper()
	c, err := dial(address)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// ask sends a request with a body and reads the answer.
func (c *conn) ask(method, path, body string) (*http.Response, string, error) {
	if err := c.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return nil, "", err
	}
	// Who is refused may find the connection closed before all is sent; the answer
	// is there all the same.
	sendErr := c.send(method, path, body)
	resp, text, err := c.receive()
	if err != nil {
		err = errors.Join(sendErr, err)
	}
	return resp, text, err
}

func (c *conn) send(method, path, body string) error {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", method, path, len(body))
	_, err := (&net.Buffers{[]byte(head), []byte(body)}).WriteTo(c.Conn)
	return err
}

func (c *conn) receive() (*http.Response, string, error) {
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}
