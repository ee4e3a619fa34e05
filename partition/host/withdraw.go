package host

import (
	"context"
	"time"

	"pipelinedht/partition/replica"
)

// Withdraw gives up this node's roles, before it stops: other copies become
// primary, and it leaves the in-sync sets, so that its end delays nobody. It
// returns when no more can be done, or with ctx's error. The Host serves on.
func (h *Host) Withdraw(ctx context.Context) error {
	h.step(func(core *replica.Node, now time.Duration) { core.Withdraw(now) })
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		done := false
		running := h.step(func(core *replica.Node, now time.Duration) { done = core.Withdrawn(now) })
		if done || !running {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-h.ctx.Done():
			return nil
		}
	}
}
