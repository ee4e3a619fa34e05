package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pipelinedht/cmd/internal/node"
)

// failedPatience is how long a node that has failed may take to close: as long as
// its process lives, it is in the way of the others.
const failedPatience = 3 * time.Second

// serve runs the node until ctx ends or the node does, and then gives it
// shutdownTimeout to end what is under way.
func (p *program) serve(ctx context.Context, cfg node.Config, shutdownTimeout time.Duration) error {
	p.runSpareThreads()
	n, err := node.Open(ctx, cfg)
	if err != nil {
		return err
	}
	where := "in memory: all data is lost when it stops (--data-dir keeps it)"
	if cfg.DataDir != "" {
		where = "data in " + cfg.DataDir
	}
	fmt.Fprintf(p.stdout, "dht: %s serves http://%s, %s\n", cfg.Name, n.Address(), where)
	return attend(ctx, n, shutdownTimeout, func() { fmt.Fprintf(p.stdout, "dht: %s stops\n", cfg.Name) })
}

// attended is what attend needs of a node.Node.
type attended interface {
	Done() <-chan struct{}
	Wait() error
	Close(ctx context.Context) error
}

// attend closes the node when ctx ends, of which it tells stops first, or when the
// node does. It returns when the node is closed, or has failed and cannot be closed,
// with why it failed.
func attend(ctx context.Context, n attended, shutdownTimeout time.Duration, stops func()) error {
	select {
	case <-ctx.Done():
		stops()
	case <-n.Done():
		shutdownTimeout = min(shutdownTimeout, failedPatience)
	}
	ending, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- n.Close(ending) }()
	select {
	case err := <-closed:
		return errors.Join(err, n.Wait())
	case <-n.Done():
	}
	// It has failed. What hangs in a system call cannot be waited for.
	select {
	case err := <-closed:
		return errors.Join(err, n.Wait())
	case <-time.After(failedPatience):
		return n.Wait()
	}
}
