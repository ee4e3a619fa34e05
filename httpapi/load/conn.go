package load

import (
	"bufio"
	"context"
	"net"
	"time"
)

const (
	dialWithin   = 5 * time.Second
	answerWithin = 30 * time.Second // for a server that has stopped answering
	smallBuffer  = 16 << 10         // bytes that one read may take
	largeBuffer  = 64 << 10         // where values are large
)

// conn is a connection with what reads from it. It belongs to one goroutine.
type conn struct {
	net.Conn
	reader *bufio.Reader
}

// dial connects to address, for a speaker; values of about that length will come.
func dial(ctx context.Context, address string, speaker Speaker, valueBytes int) (*conn, error) {
	dialer := net.Dialer{Timeout: dialWithin}
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if greeter, ok := speaker.(Greeter); ok {
		// It fits into the socket's buffer, so this waits for nobody.
		if _, err := c.Write(greeter.Greet()); err != nil {
			c.Close()
			return nil, err
		}
	}
	return newConn(c, valueBytes), nil
}

func newConn(c net.Conn, valueBytes int) *conn {
	return &conn{c, bufio.NewReaderSize(c, min(max(valueBytes, smallBuffer), largeBuffer))}
}
