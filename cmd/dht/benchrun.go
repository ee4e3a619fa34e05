package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"pipelinedht/httpapi/client"
	"pipelinedht/httpapi/load"
)

const (
	// sweepConnections put and remove the keys, each with several requests ahead.
	sweepConnections = 16
	// removeWithin bounds the removal of the keys after an interruption.
	removeWithin = 2 * time.Minute
)

// bench is one run of dht bench.
type bench struct {
	*benchFlags
	program   *program
	prefix    string // of its keys, with a '-' behind
	addresses []string
	ring      *client.Ring
}

func newBench(p *program, f *benchFlags, ring *client.Ring) *bench {
	b := &bench{
		benchFlags: f,
		program:    p,
		prefix:     fmt.Sprintf("bench-%012x", rand.Uint64()>>16),
		addresses:  []string{f.node.address},
		ring:       ring,
	}
	if f.allNodes {
		b.addresses = nil
		for _, peer := range ring.Peers {
			b.addresses = append(b.addresses, peer.Address)
		}
	}
	return b
}

func (b *bench) keySet() load.Keys { return load.Numbered(b.prefix+"-", b.keys) }

// run puts the keys, drives the load, prints the figures and removes the keys.
func (b *bench) run(ctx context.Context) error {
	b.introduce()
	result, err := b.measure(ctx)
	if result != nil {
		b.print(result)
	}
	if ctx.Err() != nil {
		b.say("removing the keys; Ctrl-C leaves them")
	}
	// What was begun is cleared away, interrupted or not.
	clearing, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	if removed := b.removeKeys(clearing); removed != nil {
		err = errors.Join(err, fmt.Errorf("remove the keys: %w; %q does it again", removed, b.removal()))
	} else if result != nil && result.Failed[load.NoAnswer]+result.Failed[http.StatusGatewayTimeout] > 0 {
		b.say("a PUT of unknown outcome may still arrive and leave a key: %s", b.removal())
	}
	return err
}

// measure puts the keys that are to be read, and drives the load.
func (b *bench) measure(ctx context.Context) (*load.Result, error) {
	if b.reads > 0 {
		if err := b.sweep(ctx, load.Put, "put"); err != nil {
			if ctx.Err() != nil {
				return nil, errors.New("interrupted before the load began")
			}
			return nil, err
		}
	}
	l := load.Load{
		Connections: b.connections,
		Reads:       float64(b.reads) / 100,
		ValueBytes:  int(b.value),
		Skew:        b.zipf,
		Timeout:     b.node.timeout,
	}
	for _, address := range b.addresses {
		l.Targets = append(l.Targets, load.Target{Address: address, Keys: b.keySet()})
	}
	if b.progress {
		line := newProgress(b.program.stderr)
		defer line.end()
		l.Watch = func(since *load.Tally) { line.show(figuresOf(since)) }
	}
	return l.Run(ctx, b.time)
}

// removeKeys deletes all keys that this bench may have put.
func (b *bench) removeKeys(ctx context.Context) error {
	return b.sweep(ctx, load.Delete, "removed")
}

// sweep carries one operation out on all keys.
func (b *bench) sweep(ctx context.Context, op load.Op, done string) error {
	s := load.Sweep{
		Addresses:   b.addresses,
		Connections: min(sweepConnections, b.keys),
		Op:          op,
		Keys:        b.keySet(),
		ValueBytes:  int(b.value),
	}
	if b.progress {
		line := newProgress(b.program.stderr)
		defer line.end()
		s.Watch = func(n int) { line.show(fmt.Sprintf("%d of %d keys %s", n, b.keys, done)) }
	}
	return s.Run(ctx)
}

// removal is the command line that removes the keys.
func (b *bench) removal() string {
	return fmt.Sprintf("dht bench --addr %s --remove %s --keys %d", b.node.address, b.prefix, b.keys)
}

// say prints a line for people, not for scripts.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.program.stderr, "dht bench: "+format+"\n", args...)
}
