package main

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"pipelinedht/cmd/internal/node"
	"pipelinedht/httpapi"
)

// Bounds of the limits that can be set: what the store and the connections
// between nodes are made for.
const (
	mostKeyBytes   = 64 << 10
	mostValueBytes = 32 << 20
)

// defineFlight adds a flag for each bound on what is under way between the nodes.
func defineFlight(flags *pflag.FlagSet, f *node.Flight) {
	*f = f.WithDefaults()
	flags.Var((*size)(&f.Node), "max-flight", "bytes of clients' operations under way from this node, and as many at it; one more waits")
	flags.Var((*size)(&f.Peer), "max-flight-peer", "the same to one other node")
	flags.Var((*size)(&f.Partition), "max-flight-partition", "bytes of one partition's writes that its copies have yet to store, up to 32MiB; one more waits")
}

// defineLimits adds a flag for each of the limits of the HTTP server.
func defineLimits(flags *pflag.FlagSet, l *httpapi.Limits) {
	*l = l.WithDefaults()
	l.HeaderBytes = 0 // follows from the longest key
	flags.Var((*size)(&l.KeyBytes), "max-key", "longest key, up to 64KiB")
	flags.Var((*size)(&l.ValueBytes), "max-value", "longest value, up to 32MiB")
	flags.Var((*size)(&l.JoinBytes), "max-join-list", "longest join list")
	flags.Var((*size)(&l.BodyBytes), "max-body-memory", "memory for large values on their way in")
	flags.Var((*size)(&l.AnswerBytes), "max-answer-memory", "memory for large values on their way out")
	flags.IntVar(&l.Connections, "max-connections", l.Connections, "connections of clients; one more closes the idlest")
	flags.IntVar(&l.Requests, "max-requests", l.Requests, "requests for keys under way at once; one more waits")
	flags.DurationVar(&l.RoomWait, "max-wait", l.RoomWait, "how long a request waits for room before it is refused")
	flags.DurationVar(&l.Stall, "stall", l.Stall, "silence in the middle of a request after which others get a client's place, and how long a client that has closed its side is waited for")
	flags.DurationVar(&l.HeaderTimeout, "header-timeout", l.HeaderTimeout, "how long a request's headers may take to arrive")
	flags.DurationVar(&l.BodyTimeout, "body-timeout", l.BodyTimeout, "how long a request may take to arrive")
	flags.DurationVar(&l.AnswerTimeout, "answer-timeout", l.AnswerTimeout, "how long a client may take to read an answer")
	flags.DurationVar(&l.IdleTimeout, "idle-timeout", l.IdleTimeout, "how long a connection may be idle")
}

// limitFaults returns everything that is wrong with l and f.
func limitFaults(l httpapi.Limits, f node.Flight) []error {
	var faults []error
	for _, bound := range []struct {
		flag  string
		value int
		most  int // 0: any
	}{
		{"max-key", l.KeyBytes, mostKeyBytes},
		{"max-value", l.ValueBytes, mostValueBytes},
		{"max-join-list", l.JoinBytes, 0},
		{"max-body-memory", l.BodyBytes, 0},
		{"max-answer-memory", l.AnswerBytes, 0},
		{"max-connections", l.Connections, 0},
		{"max-requests", l.Requests, 0},
		{"max-flight", f.Node, 0},
		{"max-flight-peer", f.Peer, 0},
		{"max-flight-partition", f.Partition, node.MostPartitionFlight},
	} {
		switch {
		case bound.value < 1:
			faults = append(faults, fmt.Errorf("--%s %d: give at least 1", bound.flag, bound.value))
		case bound.most > 0 && bound.value > bound.most:
			faults = append(faults, fmt.Errorf("--%s %d: give at most %d", bound.flag, bound.value, bound.most))
		}
	}
	for _, bound := range []struct {
		flag  string
		value time.Duration
	}{
		{"max-wait", l.RoomWait},
		{"stall", l.Stall},
		{"header-timeout", l.HeaderTimeout},
		{"body-timeout", l.BodyTimeout},
		{"answer-timeout", l.AnswerTimeout},
		{"idle-timeout", l.IdleTimeout},
	} {
		if bound.value <= 0 {
			faults = append(faults, fmt.Errorf("--%s %v: give a time above 0, such as 30s", bound.flag, bound.value))
		}
	}
	return faults
}
