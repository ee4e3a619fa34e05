package fsm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

const (
	// enqueueTimeout is how long a leader's Raft may take to accept an entry.
	enqueueTimeout = time.Second
	// callTimeout is how long another node may take to answer a call.
	callTimeout = time.Second
	// resendAfter a command was handed to a leader it is sent again, should that
	// leader still lead and have dropped it.
	resendAfter = time.Second
	// seekAfter is the pause before a leader is looked for again.
	seekAfter = 50 * time.Millisecond
)

// ErrClosed: this Raft was closed.
var ErrClosed = errors.New("raft node closed")

// propose sends the command to the leader, whoever that is at the time, until
// this node's FSM has applied it, and returns the Refusal if there was one. One
// command is under way at a time, so that numbers are applied in order; others
// wait. If ctx ends first the error is partition.ErrUnavailable where the
// command surely was not proposed, else partition.ErrUnknown; in that case a
// later command's known outcome says that this one is carried out or void.
func (r *Raft) propose(ctx context.Context, c command) error {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", partition.ErrUnavailable, context.Cause(ctx))
	case <-r.closing:
		return fmt.Errorf("%w: %w", partition.ErrUnavailable, ErrClosed)
	}
	if err := r.mayPropose(c); err != nil {
		return err
	}
	r.number++ // guarded by the turn
	p := proposal{
		number: r.number,
		entry:  encodeCommand(header{r.cfg.Self, r.cfg.Incarnation, r.number}, c),
	}
	for {
		leaders := r.leaders.next()
		pause := seekAfter
		if r.hand(ctx, leaders, &p) {
			pause = resendAfter
		}
		result, known, err := r.await(ctx, p.number, leaders, pause)
		switch {
		case known && result != 0:
			return result
		case known:
			return nil
		case err != nil && p.sent:
			return fmt.Errorf("%w: %w", partition.ErrUnknown, err)
		case err != nil:
			return fmt.Errorf("%w: %w", partition.ErrUnavailable, err)
		}
	}
}

// mayPropose refuses here what Apply would refuse without a record: a node
// proposes only as a peer, and before its PeerUp is applied nothing else. So no
// straggler of a command whose refusal was told can be carried out later.
func (r *Raft) mayPropose(c command) error {
	m := r.Map()
	if m == nil {
		return ErrUnknownPeer
	}
	p, ok := m.Peer(r.cfg.Self)
	switch {
	case !ok:
		return ErrUnknownPeer
	case p.Incarnation != r.cfg.Incarnation && c.kind() != kindPeerUp:
		return ErrStale
	}
	return nil
}

// proposal is one command on its way.
type proposal struct {
	number uint64
	entry  []byte
	sent   bool // a leader may have it
}

// await waits for the outcome, a change of leader, the end of the pause, or of
// ctx or the node, which alone is an error.
func (r *Raft) await(ctx context.Context, number uint64, leaders <-chan struct{}, pause time.Duration) (Refusal, bool, error) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		applied := r.machine.applied.next()
		if result, known := r.machine.outcome(number); known {
			return result, true, nil
		}
		select {
		case <-applied:
		case <-leaders:
			return 0, false, nil
		case <-timer.C:
			return 0, false, nil
		case <-ctx.Done():
			return 0, false, context.Cause(ctx)
		case <-r.closing:
			return 0, false, ErrClosed
		}
	}
}

// hand gives the entry to the leader, here or elsewhere, and reports whether it
// seems to have it. It follows one hint to another leader, and gives up when this
// node learns of one.
func (r *Raft) hand(ctx context.Context, leaders <-chan struct{}, p *proposal) bool {
	ctx, release := cancelOn(ctx, leaders)
	defer release()
	leader, ok := r.Leader()
	for hops := 0; ok && hops < 2; hops++ {
		if leader == r.cfg.Self {
			taken := r.enqueue(p.entry)
			p.sent = p.sent || taken
			return taken
		}
		p.sent = true
		rep, err := r.call(ctx, leader, request{kind: askPropose, entry: p.entry})
		if err != nil {
			return false
		}
		if rep.taken {
			return true
		}
		leader, ok = rep.leader, rep.leader != 0 && rep.leader != leader
	}
	return false
}

// cancelOn returns a context that also ends when ch is closed. release ends it and
// waits for its goroutine.
func cancelOn(ctx context.Context, ch <-chan struct{}) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-ch:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		<-ended
	}
}

// enqueue gives an entry to this node's Raft if that leads. Nobody waits for
// Raft's future: it tells nothing that the FSM does not, and is left unanswered
// where Raft stops.
func (r *Raft) enqueue(entry []byte) bool {
	if r.raft.State() != raft.Leader {
		return false
	}
	r.raft.Apply(entry, enqueueTimeout)
	return true
}
