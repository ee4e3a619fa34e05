package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"
)

// Ports for servers that do not choose one themselves are from below those that the
// kernel gives to outgoing connections. Each comes with a second one, busOffset
// above, for what such servers say to each other.
const (
	lowestPort = 12000
	portRange  = 10000
	busOffset  = portRange
	portTries  = 200
)

// freePort returns a port of loopback that nobody listens on now, nor on the one
// busOffset above it. Somebody may take either before its user does, who then does
// not start.
func freePort() (int, error) {
	for range portTries {
		port := lowestPort + rand.IntN(portRange)
		if free(port) && free(port+busOffset) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port from %d on in %d tries", lowestPort, portTries)
}

func free(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// startOpaque runs a server of others that has been told to listen on a port of
// loopback. It is not ready yet.
func startOpaque(dir, name string, port int, program string, args ...string) (*process, error) {
	p, _, err := spawn(dir, name, program, args...)
	if err != nil {
		return nil, err
	}
	p.address, p.opaque = loopback(port), true
	return p, nil
}

// await asks again and again until there is no error, or returns the last one.
func await(ctx context.Context, within time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(settlePoll):
		case <-ctx.Done():
			return fmt.Errorf("after %v: %w", within, err)
		}
	}
}
