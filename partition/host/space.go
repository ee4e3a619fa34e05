package host

import (
	"time"

	"pipelinedht/partition/replica"
)

// SetFull says whether the disk is nearly full: then this node gives up the roles
// that others can take, and takes no new values.
func (h *Host) SetFull(full bool) {
	h.step(func(core *replica.Node, now time.Duration) { core.SetFull(full, now) })
}
