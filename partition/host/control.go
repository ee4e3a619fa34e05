package host

import (
	"time"

	"pipelinedht/partition/replica"
)

// sendControl sends beacons, grants and releases, in the core's order, while the
// committer may be waiting for the disk.
func (h *Host) sendControl() {
	out := outbox{net: h.cfg.Net, log: h.log}
	for {
		messages, ok := h.control.take()
		if !ok {
			return
		}
		for _, m := range messages {
			out.add(m)
		}
		out.flush()
	}
}

// proposeChanges proposes what the core wants changed in the map, one set of
// changes after the other, and tells it when the outcome is known. A proposal
// whose fate cannot be learnt is made again: changes are compare-and-set, so a
// second application does nothing, and once the second outcome is known so is
// the first.
func (h *Host) proposeChanges() {
	for {
		changes, ok := h.changes.pop()
		if !ok {
			return
		}
		wait := newBackoff()
		for {
			err := h.cfg.Cluster.ChangeCopies(h.ctx, changes)
			if err == nil {
				break
			}
			if h.ctx.Err() != nil {
				return
			}
			h.log.Warn("propose copies: trying again", "partitions", len(changes), "error", err)
			if !wait.pause(h.ctx.Done(), nil) {
				return
			}
		}
		h.adopt(h.cfg.Cluster.Map())
		h.step(func(core *replica.Node, now time.Duration) { core.Resolved(now) })
	}
}
