package network

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// greetWithin bounds how long a caller may take to say who it is, and the
	// dialling of the node it wants.
	greetWithin = 5 * time.Second
	// greetBytes bounds what it may say for that.
	greetBytes = 16 << 10

	addressHeader = "Dht-Address"
	kindHeader    = "Dht-Kind"
	raftKind      = "raft"
)

// Proxy stands in front of one node. It keeps its address while the node is away.
type Proxy struct {
	network *Proxies
	name    string
	address string

	mu sync.Mutex // guards ln
	ln net.Listener
}

// Address is the host:port that the node advertises.
func (p *Proxy) Address() string { return p.address }

// Serve carries connections to the node at target, from now on.
func (p *Proxy) Serve(target string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	ln, err := net.Listen("tcp", p.address)
	if err != nil {
		return fmt.Errorf("proxy of %s: %w", p.name, err)
	}
	p.ln = ln
	p.network.running.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return // Refuse closed it
			}
			p.network.running.Go(func() { p.carry(nc, target) })
		}
	})
	return nil
}

// Refuse has new connections refused, as those to a process that is not there.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ln != nil {
		p.ln.Close()
		p.ln = nil
	}
}

// carry carries one connection until it ends.
func (p *Proxy) carry(in net.Conn, target string) {
	defer in.Close()
	begun, r, err := readRequest(in)
	if err != nil {
		return
	}
	l := &link{
		network: p.network, from: p.network.nameOf(r.Header.Get(addressHeader)), to: p.name,
		kind: r.Header.Get(kindHeader), ended: make(chan struct{}), in: in,
	}
	if l.out, err = net.DialTimeout("tcp", target, greetWithin); err != nil {
		abort(in)
		return
	}
	defer l.close()
	if !p.network.enter(l) {
		return
	}
	defer p.network.leave(l)
	l.carry(begun)
}

// readRequest reads the request that begins a connection, and returns everything
// that was read, too.
func readRequest(in net.Conn) ([]byte, *http.Request, error) {
	in.SetReadDeadline(time.Now().Add(greetWithin))
	defer in.SetReadDeadline(time.Time{})
	var begun bytes.Buffer
	r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(io.LimitReader(in, greetBytes), &begun)))
	return begun.Bytes(), r, err
}

// abort closes a connection so that the other side's writes fail at once.
func abort(nc net.Conn) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	nc.Close()
}
