package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"pipelinedht/partition"
)

// change runs f, a change of membership, when no other is under way, and returns
// its error. Should asked end first, change returns and f goes on by itself; f
// gets asked beside the node's own context, to know whether to begin at all.
func (n *Node) change(asked context.Context, f func(ctx, asked context.Context) error) error {
	select {
	case n.turn <- struct{}{}:
	case <-asked.Done():
		return fmt.Errorf("%w: another join or leave is under way at this node", partition.ErrUnavailable)
	case <-n.ctx.Done():
		return errClosed
	}
	done := make(chan error, 1)
	n.wg.Add(1)
	go func() {
		defer n.wg.Done()
		defer func() { <-n.turn }()
		done <- n.orInterrupted(f(n.ctx, asked))
	}()
	select {
	case err := <-done:
		return err
	case <-asked.Done():
		return fmt.Errorf("%w: nobody waits any more; what was begun goes on", partition.ErrUnknown)
	}
}

// orInterrupted returns err, a change's, or what its caller is to know where the
// node has stopped in the middle of it.
func (n *Node) orInterrupted(err error) error {
	if n.ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, errClosed)) {
		return fmt.Errorf("%w: the node is stopping; what was begun goes on when it starts again", partition.ErrUnknown)
	}
	return err
}

// shut makes requests wait, for reason, while lives change, and waits for those
// under way.
func (n *Node) shut(ctx context.Context, reason string) {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout/drainShare)
	defer cancel()
	n.gate.shut(ctx, reason)
}

// both returns a context that ends with either of two.
func both(ctx, other context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(other, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// pause waits for d, give or take half of it, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
