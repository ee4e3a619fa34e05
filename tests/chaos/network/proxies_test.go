package network

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// soon bounds what must happen; silence is for how long nothing may.
const (
	soon    = 10 * time.Second
	silence = 50 * time.Millisecond
)

// echo is a node that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				in := bufio.NewReader(nc)
				if _, err := http.ReadRequest(in); err == nil {
					io.Copy(nc, in)
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// call connects the way a node does that advertises an address.
func call(t *testing.T, p *Proxy, from *Proxy, kind string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	fmt.Fprintf(nc, "GET /dht/peer HTTP/1.1\r\nHost: x\r\nDht-Address: %s\r\nDht-Kind: %s\r\n\r\n", from.Address(), kind)
	return nc
}

// returns reports whether a byte that is sent comes back within a time.
func returns(t *testing.T, nc net.Conn, within time.Duration) (bool, error) {
	t.Helper()
	if _, err := nc.Write([]byte{1}); err != nil {
		return false, err
	}
	return comes(t, nc, within)
}

func comes(t *testing.T, nc net.Conn, within time.Duration) (bool, error) {
	t.Helper()
	nc.SetReadDeadline(time.Now().Add(within))
	_, err := nc.Read(make([]byte, 1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, nil
	}
	return err == nil, err
}

func expect(t *testing.T, what string, got bool, err error, want bool) {
	t.Helper()
	if got != want || err != nil {
		t.Fatalf("%s: got an echo: %t, %v; want %t and the connection open", what, got, err, want)
	}
}

func pair(t *testing.T) (n *Proxies, a, b *Proxy) {
	t.Helper()
	n = NewProxies()
	t.Cleanup(n.Close)
	return n, serving(t, n, "a"), serving(t, n, "b")
}

// serving returns a proxy, on a port that nobody else took meanwhile.
func serving(t *testing.T, n *Proxies, name string) *Proxy {
	t.Helper()
	to := echo(t)
	for tries := 5; ; tries-- {
		p := n.Open(name, fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t)))
		switch err := p.Serve(to); {
		case err == nil:
			return p
		case tries == 1 || !errors.Is(err, syscall.EADDRINUSE):
			t.Fatal(err)
		}
	}
}

func TestHeldBytesArriveWhenTheNetworkHeals(t *testing.T) {
	t.Parallel()
	for _, way := range []Way{{"a", "b"}, {"b", "a"}} {
		n, a, b := pair(t)
		nc := call(t, b, a, "small")
		got, err := returns(t, nc, soon)
		expect(t, "whole", got, err, true)
		n.Set(Rule{Hold: true}, way)
		got, err = returns(t, nc, silence)
		expect(t, fmt.Sprintf("%v held", way), got, err, false)
		n.Heal()
		got, err = comes(t, nc, soon)
		expect(t, "healed", got, err, true)
	}
}

func TestACutEndsConnectionsOfItsPairAndKindOnly(t *testing.T) {
	t.Parallel()
	n, a, b := pair(t)
	raft, small, other := call(t, b, a, "raft"), call(t, b, a, "small"), call(t, a, b, "raft")
	for _, nc := range []net.Conn{raft, small, other} {
		got, err := returns(t, nc, soon)
		expect(t, "whole", got, err, true)
	}
	n.Set(Rule{Cut: true, Kinds: AllButRaft}, Way{"b", "a"})
	if got, err := comes(t, small, soon); err == nil {
		t.Fatalf("a connection that is cut: got an echo: %t; want it closed", got)
	}
	if got, err := comes(t, call(t, b, a, "small"), soon); err == nil {
		t.Fatalf("a connection made while they are cut: got an echo: %t; want it closed", got)
	}
	for _, nc := range []net.Conn{raft, other} {
		got, err := returns(t, nc, soon)
		expect(t, "another kind", got, err, true)
	}
	n.Heal()
	got, err := returns(t, call(t, b, a, "small"), soon)
	expect(t, "healed", got, err, true)
}

func TestDelayedBytesAreLate(t *testing.T) {
	t.Parallel()
	n, a, b := pair(t)
	nc := call(t, b, a, "small")
	const delay = 30 * time.Millisecond
	n.Set(Rule{Delay: delay}, Both([]string{"a"}, []string{"b"})...)
	begun := time.Now()
	got, err := returns(t, nc, soon)
	expect(t, "delayed", got, err, true)
	if took := time.Since(begun); took < 2*delay {
		t.Errorf("there and back in %v, want at least twice %v", took, delay)
	}
}

func TestAProxyRefusesWhileItsNodeIsAway(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t)
	b.Refuse()
	if nc, err := net.Dial("tcp", b.Address()); err == nil {
		nc.Close()
		t.Fatal("connected to a node that is away")
	}
	if err := b.Serve(echo(t)); err != nil {
		t.Fatal(err)
	}
	got, err := returns(t, call(t, b, a, "small"), soon)
	expect(t, "back", got, err, true)
}
