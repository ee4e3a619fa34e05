package httpapi_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/httpapi"
)

// pipes is a listener whose clients are in the same bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{} // closed by Close
	once   sync.Once
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-p.conns:
		return nc, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial returns a client's connection that the server has taken.
func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	synctest.Wait()
	return client
}

// served runs a server in a bubble, for test to stop.
func served(t *testing.T, test func(t *testing.T, s *httpapi.Server, ln *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := httpapi.New(httpapi.Config{Name: "peer3", Table: newFakeTable(), Cluster: newFakeCluster()})
		ln := newPipes()
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ln) }()
		test(t, s, ln)
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
}

func TestShutdownDoesNotWaitForClientsThatSayNothing(t *testing.T) {
	for said, text := range map[string]string{
		"nothing": "", "part of a request": "GET /healthz HT", "part of its headers": "GET /healthz HTTP/1.1\r\nHost: x\r\n",
	} {
		t.Run(said, func(t *testing.T) {
			served(t, func(t *testing.T, s *httpapi.Server, ln *pipes) {
				client := ln.dial()
				defer client.Close()
				io.WriteString(client, text)
				begun := time.Now()
				if err := s.Shutdown(t.Context()); err != nil {
					t.Errorf("shutdown: %v", err)
				}
				if took := time.Since(begun); took > time.Second {
					t.Errorf("shutdown took %v, waiting for a client that said %s", took, said)
				}
				if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Errorf("the client reads: %v, want the end", err)
				}
			})
		})
	}
}

func TestShutdownAnswersAClientThatHasJustConnected(t *testing.T) {
	served(t, func(t *testing.T, s *httpapi.Server, ln *pipes) {
		client := ln.dial()
		defer client.Close()
		stopped := make(chan error, 1)
		go func() { stopped <- s.Shutdown(t.Context()) }()
		<-time.After(100 * time.Millisecond)
		synctest.Wait()
		io.WriteString(client, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("a request that was on its way: %v, %v; want 200", resp, err)
		}
		if err := <-stopped; err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
}
