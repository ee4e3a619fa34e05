package node

import (
	"context"
	"net"
)

// quietListener is a listener whose connections are quietened.
type quietListener struct{ net.Listener }

// Accept implements net.Listener.
func (l quietListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return quieten(nc), nil
}

// dialQuietly connects to another node; it is Config.Dial by default.
func dialQuietly(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return quieten(nc), nil
}
