package harness

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// rawWithin bounds a raw exchange.
const rawWithin = 15 * time.Second

// Raw sends exactly these bytes on a connection of its own and reads the answer.
// With hangUp nothing more can come from this side, as when a client has died.
func (c *Client) Raw(request string, hangUp bool) (Answer, error) {
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(rawWithin)); err != nil {
		return Answer{}, err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return Answer{}, fmt.Errorf("send: %w", err)
	}
	if hangUp {
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			return Answer{}, fmt.Errorf("hang up: %w", err)
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer's body: %w", err)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(body)}, nil
}
